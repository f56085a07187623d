"""Notices coloured stickers at the edge of a photograph, with which some collections mark nevi only."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

_FRAME = 12  # pixels at each edge whose median colour counts as the colour of the skin
_DARK = 70  # 0 to 255: darker pixels show a border or hair
_HUE_CHANGE = 0.3  # of the logarithms of the channels, against the skin: most lesions change less
_MIN_BRIGHTNESS = 0.65  # of the skin's: lesions are darker
_MIN_SHARE = 0.008  # of the photograph
_MIN_FILLED = 0.68  # of its bounding box: lesions are ragged
_MAX_SPREAD = 0.13  # mean deviation of the hue: lesions are of many colours
_EDGE, _MIN_INNER = 2, 15  # pixels of its edge that are left out, and how many must remain
_CENTRE = 0.4  # share of a side from which on the centre begins, where the lesion is


def has_sticker(pixels: npt.NDArray[np.uint8]) -> bool:
    """Returns whether a coloured sticker lies at the edge of a photograph.

    A sticker is a bright area of one colour, unlike the skin's, that touches the edge and stays away from the centre.

    Args:
        pixels: uint8 (height, width, 3), about 96 pixels a side.
    """
    values = pixels.astype(np.float32) + 8
    frame = np.concatenate([side[:_FRAME].reshape(-1, 3) for side in (values, values[::-1], *_turned(values))])
    skin = frame[frame.max(axis=1) > _DARK]
    if len(skin) < len(frame) / 10:
        return False
    colour = np.median(skin, axis=0)
    hue = np.log(values / colour)
    hue -= hue.mean(axis=2, keepdims=True)
    unlike_skin = np.linalg.norm(hue, axis=2) > _HUE_CHANGE
    is_bright = values.max(axis=2) > _MIN_BRIGHTNESS * colour.max()
    areas, _ = ndimage.label(ndimage.binary_opening(unlike_skin & is_bright))
    large = np.flatnonzero(np.bincount(areas.ravel()) >= _MIN_SHARE * areas.size)
    return any(_is_sticker(areas == number, hue) for number in large if number)


def _turned(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    across = values.swapaxes(0, 1)
    return across, across[::-1]


def _is_sticker(area: npt.NDArray[np.bool_], hue: npt.NDArray[np.float32]) -> bool:
    """Judges one connected area: by place, shape and uniformity."""
    height, width = area.shape
    rows, columns = np.nonzero(area)
    touches = min(rows.min(), columns.min(), height - 1 - rows.max(), width - 1 - columns.max()) < 1
    centre = area[
        int(height * _CENTRE) : int(height * (1 - _CENTRE)), int(width * _CENTRE) : int(width * (1 - _CENTRE))
    ]
    if not touches or centre.any():
        return False
    filled = len(rows) / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    inner = hue[ndimage.binary_erosion(area, iterations=_EDGE)]
    if filled < _MIN_FILLED or len(inner) < _MIN_INNER:
        return False
    return bool(np.abs(inner - np.median(inner, axis=0)).mean() < _MAX_SPREAD)
