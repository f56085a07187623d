"""Golden samples: synthetic pictures that a bundle must decode and score as it did when it was written."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from melanoma.errors import BundleError, PhotographError
from melanoma.images import decoding, encoding
from melanoma.images.pixels import Pixels
from melanoma.model.bundle import Bundle
from melanoma.model.decision import OOD_SCORE, ModelOutput, are_sound
from melanoma.model.engine_names import BF16, F32
from melanoma.samples import phantoms

# Of a probability or score: by less does the same engine differ between processors. In bf16 the last bit is 1/256.
TOLERANCES = {F32: 1e-4, BF16: 0.02}
_SIZES = ((96, 128), (300, 400), (450, 600), (480, 360), (224, 224), (600, 450), (150, 200), (768, 1024))


def draw_samples() -> dict[str, bytes]:
    """Draws the golden samples of a new bundle: JPEG and PNG files of several sizes, by their name in the bundle."""
    return dict(_drawn())


@functools.cache
def _drawn() -> Mapping[str, bytes]:
    files = {}
    for number, (height, width) in enumerate(_SIZES):
        format_: encoding.Format = "png" if number % 4 == 3 else "jpeg"
        name = f"golden/phantom-{number}.{'png' if format_ == 'png' else 'jpg'}"
        files[name] = encoding.encode(phantoms.draw(1000 + number, height, width), format_)
    return files


def decode(files: Sequence[bytes], spec: decoding.ImageSpec) -> Pixels:
    """Decodes golden samples into one array, uint8 (n, height, width, 3)."""
    return np.stack([decoding.decode(data, spec) for data in files])


def describe(
    files: Mapping[str, bytes], pixels: Pixels, scores: ModelOutput, slugs: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns the entries of golden samples for `bundle.json`.

    Args:
        files: Golden samples by name.
        pixels: The same files, decoded.
        scores: The network's outputs for them.
        slugs: Slugs of the labels.

    Raises:
        BundleError: An output is not a probability or not a score.
    """
    if not are_sound(scores._replace(ood=None)).all():
        raise BundleError(
            "the network's outputs are not probabilities (they do not sum to 1); end it with a softmax, or "
            "say what an ONNX file returns with --outputs"
        )
    if not are_sound(scores).all():
        raise BundleError(f"the network's {OOD_SCORE} does not lie between 0 and 1; end it with a softsign")
    entries: list[dict[str, Any]] = [
        {
            "file": name,
            "tensor_sha256": _sha256(tensor),
            "probabilities": {slug: min(1.0, float(p)) for slug, p in zip(slugs, row, strict=True)},
        }
        for name, tensor, row in zip(files, pixels, scores.probabilities, strict=True)
    ]
    for index, score in enumerate(() if scores.ood is None else scores.ood):
        entries[index][OOD_SCORE] = float(score)
    return entries


def check_decoder(bundle: Bundle) -> Pixels:
    """Decodes the golden samples of a bundle, uint8 (n, height, width, 3).

    Raises:
        BundleError: A pixel is not what it was when the bundle was written, or a sample is no picture.
    """
    try:
        pixels = decode([bundle.files[sample.file] for sample in bundle.golden], bundle.spec)
    except PhotographError as error:
        raise BundleError(f"{bundle.uri}: a golden sample cannot be decoded: {error}; copy the bundle again") from error
    for sample, tensor in zip(bundle.golden, pixels, strict=True):
        if _sha256(tensor) != sample.tensor_sha256:
            raise BundleError(
                f"{bundle.uri}: {sample.file} does not decode to the pixels that it had when the bundle was written "
                f"(decoder here: {decoding.DECODER}); install the locked versions"
            )
    return pixels


def check_scores(bundle: Bundle, scores: ModelOutput) -> None:
    """Compares a network's outputs for the golden samples with those that the bundle states.

    Raises:
        BundleError: They differ by more than the tolerance of the bundle's precision.
    """
    tolerance = TOLERANCES[bundle.precision]
    for index, sample in enumerate(bundle.golden):
        stated = {f"p_{slug}": sample.probabilities[slug] for slug in bundle.slugs}
        found = dict(zip(stated, map(float, scores.probabilities[index]), strict=True))
        if scores.ood is not None and sample.ood_score is not None:
            stated[OOD_SCORE], found[OOD_SCORE] = sample.ood_score, float(scores.ood[index])
        for name, value in found.items():
            if not abs(value - stated[name]) <= tolerance:
                raise BundleError(
                    f"{bundle.uri}: {name} of {sample.file} is {value:.4f}, the bundle states {stated[name]:.4f}; "
                    "labels, network and description do not belong together"
                )


def _sha256(tensor: Pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(tensor).tobytes()).hexdigest()
