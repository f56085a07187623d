"""Stickers are bright, of one colour, and lie at the edge; lesions, borders and hair are no stickers."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from melanoma.audit.stickers import has_sticker

SKIN = (205, 160, 140)
BLUE, YELLOW, GREEN, ORANGE = (20, 130, 210), (220, 205, 30), (40, 150, 60), (240, 140, 40)


def drawn(*ellipses: tuple[tuple[int, int, int, int], tuple[int, int, int]]) -> npt.NDArray[np.uint8]:
    """Returns skin with some noise, a lesion in the middle, and ellipses over it."""
    picture = Image.new("RGB", (96, 96), SKIN)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((34, 36, 62, 60), fill=(110, 70, 50))
    for box, colour in ellipses:
        draw.ellipse(box, fill=colour)
    noise = np.random.default_rng(0).normal(0, 4, (96, 96, 3))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour", [BLUE, YELLOW, GREEN, ORANGE])
@pytest.mark.parametrize("box", [(72, -10, 120, 34), (-20, 30, 12, 62), (30, 80, 66, 130)])
def test_a_sticker_of_any_colour_is_noticed_at_any_edge(
    colour: tuple[int, int, int], box: tuple[int, int, int, int]
) -> None:
    assert has_sticker(drawn((box, colour)))


def test_what_is_no_sticker_is_not_noticed() -> None:
    ragged = drawn(*(((80, y, 110, y + 5), (150, 100, 200)) for y in range(0, 96, 12)))
    pictures = {
        "skin and lesion": drawn(),
        "lesion at the edge": drawn(((60, 20, 120, 70), (120, 75, 50))),
        "lesion over the whole": drawn(((-10, -10, 110, 110), (150, 90, 60))),
        "blue area in the centre only": drawn(((36, 36, 60, 60), BLUE)),
        "blue area from edge to centre": drawn(((40, 30, 120, 66), BLUE)),
        "blue area between edge and centre": drawn(((70, 8, 90, 28), BLUE)),
        "dark blue area at the edge": drawn(((72, -10, 120, 34), (20, 60, 110))),
        "area of many colours at the edge": drawn(((70, 20, 120, 76), BLUE), ((74, 22, 120, 48), ORANGE)),
        "tiny spot at the edge": drawn(((92, 40, 100, 46), BLUE)),
        "dark border": np.where(np.add.outer(*[(np.arange(96) - 48) ** 2] * 2)[..., None] > 50**2, 8, drawn()),
        "ragged": ragged,
        "black": np.zeros((96, 96, 3)),
    }
    assert [name for name, picture in pictures.items() if has_sticker(picture.astype(np.uint8))] == []
