"""From labelled photographs to a bundle: networks, data loading, fitting, calibration and release."""
