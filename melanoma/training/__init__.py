"""From labelled photographs to a bundle: looks, networks, training, calibration, what ships."""
