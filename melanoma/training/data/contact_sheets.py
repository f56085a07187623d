"""Contact sheets: photographs of one class beside what training makes of them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from melanoma.datasets.photographs import Photograph, read_file
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.pixels import Pixels
from melanoma.labels import name_of
from melanoma.training.data.policies import LOOKS
from melanoma.training.png import png_of

_TILE_INCHES = 1.5
_LONGEST_ID = 22


def draw_sheet(
    photographs: Sequence[Photograph], look: str, size: tuple[int, int], seed: int, rows: int, variants: int
) -> bytes:
    """Draws some photographs of a class, each beside its variants.

    Args:
        photographs: Of the training part, all of one class, at least one.
        look: `augmentor` or `views`.
        size: Height and width of a variant, pixels.
        seed: Of the choice of photographs and of the variants.
        rows: Photographs, at most.
        variants: Of each.

    Returns:
        A PNG file; it holds photographs.

    Raises:
        DataError: A photograph cannot be read.
    """
    chosen = np.random.default_rng(seed).permutation(len(photographs))[:rows].tolist()
    figure = Figure(
        figsize=(_TILE_INCHES * (1 + variants), 0.5 + 1.15 * _TILE_INCHES * len(chosen)), layout="constrained"
    )
    figure.suptitle(
        f"{name_of(photographs[0].label)}: {len(chosen)} of {len(photographs)} photographs of the training part, "
        f"look {look}, seed {seed}",
        fontsize=10,
    )
    axes = figure.subplots(len(chosen), 1 + variants, squeeze=False)
    for row, index in enumerate(chosen):
        data = read_file(photographs[index].uri)
        tiles = [_whole(data, size), *(LOOKS[look].view(data, size, (seed, row, number)) for number in range(variants))]
        captions = [_caption(photographs[index].image_id), *(f"variant {n}" for n in range(1, variants + 1))]
        for place, tile, caption in zip(axes[row], tiles, captions, strict=True):
            place.imshow(tile, interpolation="none")
            weight = "bold" if place is axes[row][0] else "normal"
            place.set_title(caption, fontsize=7, fontweight=weight, parse_math=False)
            place.set_axis_off()
    return png_of(figure)


def _whole(data: bytes, size: tuple[int, int]) -> Pixels:
    """Decodes a photograph in its own aspect ratio, as high as its variants at most."""
    header = read_header(data)
    width, height = header.upright_size
    share = min(size[0] / height, size[1] / width)
    spec = ImageSpec(max(1, round(height * share)), max(1, round(width * share)))
    page = Image.new("RGB", (size[1], size[0]), "white")
    page.paste(Image.fromarray(decode(data, spec, header)), ((size[1] - spec.width) // 2, (size[0] - spec.height) // 2))
    return np.asarray(page)


def _caption(image_id: str) -> str:
    """Spells an id so that any font can show it."""
    plain = image_id.encode("ascii", "replace").decode()
    short = plain if len(plain) <= _LONGEST_ID else plain[: _LONGEST_ID - 3] + "..."
    return "".join(character if character.isprintable() else "?" for character in short)
