"""Contact sheets: photographs of one class beside augmented images of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from melanoma.datasets.photographs import Photograph, read_file
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.pixels import Pixels
from melanoma.labels import name_of
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.png import to_png

_TILE_INCHES = 1.5
_LONGEST_ID = 22


@dataclass(frozen=True)
class SheetConfig:
    """What a contact sheet shows.

    Attributes:
        policy: Augmentation policy.
        size: Height and width of a tile in pixels.
        rows: Largest number of photographs on the sheet, at least 1.
        variants: Augmented images of each photograph, at least 1.
        seed: Seed for the choice of photographs and for the augmentation.
    """

    policy: AugmentationPolicy
    size: tuple[int, int]
    rows: int
    variants: int
    seed: int


def plot_sheet(photographs: Sequence[Photograph], config: SheetConfig) -> bytes:
    """Plots a random choice of photographs, one per row, each followed by augmented images.

    Args:
        photographs: All training photographs of one class, at least one.
        config: What the sheet shows.

    Returns:
        A PNG file. It contains photographs of patients.

    Raises:
        DataError: A photograph cannot be read.
    """
    chosen = np.random.default_rng(config.seed).permutation(len(photographs))[: config.rows].tolist()
    columns = 1 + config.variants
    figure = Figure(figsize=(_TILE_INCHES * columns, 0.5 + 1.15 * _TILE_INCHES * len(chosen)), layout="constrained")
    figure.suptitle(
        f"{name_of(photographs[0].label)}: {len(chosen)} of {len(photographs)} photographs of the training part, "
        f"augmentation policy {config.policy.name}, seed {config.seed}",
        fontsize=10,
    )
    axes = figure.subplots(len(chosen), columns, squeeze=False)
    for row, index in enumerate(chosen):
        _plot_row(axes[row], photographs[index], config, row)
    return to_png(figure)


def _plot_row(axes: Sequence[Axes], photograph: Photograph, config: SheetConfig, row: int) -> None:
    data, numbers = read_file(photograph.uri), range(config.variants)
    tiles = [
        letterbox(data, config.size),
        *(config.policy.apply(data, config.size, (config.seed, row, number)) for number in numbers),
    ]
    captions = [_caption(photograph.image_id), *(f"augmented {number + 1}" for number in numbers)]
    for place, tile, caption in zip(axes, tiles, captions, strict=True):
        place.imshow(tile, interpolation="none")
        weight = "bold" if place is axes[0] else "normal"
        place.set_title(caption, fontsize=7, fontweight=weight, parse_math=False)
        place.set_axis_off()


def letterbox(data: bytes, size: tuple[int, int]) -> Pixels:
    """Decodes a photograph and fits all of it into a white tile, with its aspect ratio.

    Args:
        data: A complete image file.
        size: Height and width of the tile in pixels.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ImageError: The file is damaged or not a photograph.
    """
    header = read_header(data)
    width, height = header.upright_size
    scale = min(size[0] / height, size[1] / width)
    spec = ImageSpec(max(1, round(height * scale)), max(1, round(width * scale)))
    page = Image.new("RGB", (size[1], size[0]), "white")
    page.paste(Image.fromarray(decode(data, spec, header)), ((size[1] - spec.width) // 2, (size[0] - spec.height) // 2))
    return np.asarray(page)


def _caption(image_id: str) -> str:
    """Shortens an id and replaces the characters that a font may lack."""
    plain = image_id.encode("ascii", "replace").decode()
    short = plain if len(plain) <= _LONGEST_ID else plain[: _LONGEST_ID - 3] + "..."
    return "".join(character if character.isprintable() else "?" for character in short)
