"""The preprocessing between a photograph's file and the network, and its entry in `bundle.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from melanoma.errors import UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.json_values import LARGEST, number, typed

SMALLEST = 1e-6  # of every divisor: well inside the range of 32-bit floats
_RESIZE = "bilinear-antialias"


@dataclass(frozen=True)
class Scaling:
    """What happens to a pixel value between the decoder and the network: `(x * scale + offset - mean) / std`.

    Attributes:
        scale: Factor for values 0 to 255.
        offset: Added after scaling.
        mean: Per channel (red, green, blue), subtracted.
        std: Per channel, divided by; each above 0.

    Raises:
        UsageError: A value lies outside its range.
    """

    scale: float = 1.0
    offset: float = 0.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        values = (self.scale, self.offset, *self.mean, *self.std)
        if not all(abs(value) <= LARGEST for value in values) or min(self.std) < SMALLEST:
            raise UsageError(f"{self}: give numbers of at most {LARGEST:g}, and for std of at least {SMALLEST:g}")


NO_SCALING = Scaling()


def preprocessing_of(spec: ImageSpec, scaling: Scaling) -> dict[str, Any]:
    """Returns the preprocessing as `bundle.json` holds it."""
    return {
        "resize": _RESIZE,
        "crop": spec.crop,
        "scale": scaling.scale,
        "offset": scaling.offset,
        "mean": list(scaling.mean),
        "std": list(scaling.std),
    }


def read_preprocessing(height: int, width: int, stated: Mapping[str, Any]) -> tuple[ImageSpec, Scaling]:
    """Reads the preprocessing of a `bundle.json`.

    Args:
        height: Height of the network's input, pixels.
        width: Width of the network's input, pixels.
        stated: As `preprocessing_of` returns it.

    Raises:
        ValueError: A key is missing or unknown, or a value is of the wrong type.
        UsageError: A value lies outside its range.
    """
    known = preprocessing_of(ImageSpec(1, 1), Scaling())
    if stated.keys() != known.keys() or stated["resize"] != _RESIZE:
        raise ValueError(f"preprocessing is {stated!r:.200}, expected {', '.join(known)}, with resize {_RESIZE}")
    crop = None if stated["crop"] is None else number(stated["crop"], "crop")
    scale, offset = number(stated["scale"], "scale"), number(stated["offset"], "offset")
    return ImageSpec(height, width, crop), Scaling(scale, offset, _colour(stated, "mean"), _colour(stated, "std"))


def _colour(stated: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    red, green, blue = (number(value, name) for value in typed(list, stated[name], name, 3))
    return red, green, blue
