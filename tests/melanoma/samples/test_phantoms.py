"""Phantoms: one seed, one picture; each kind has the colours of the lesion that it imitates."""

import hashlib
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

from melanoma.samples.phantoms import draw

KINDS = ("nevus", "melanoma", "keratosis", "vascular", "dermatofibroma", "carcinoma", "globular nevus")


def digest(pixels: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def phantoms(kind: str) -> npt.NDArray[np.float64]:
    return np.stack([draw(KINDS.index(kind) + len(KINDS) * k, 64, 64) for k in range(12)]).astype(np.float64)


def colours(kind: str) -> tuple[npt.NDArray[np.float64], ...]:
    """Mean colour of the middle, of a ring around it and of the skin."""
    y, x = np.mgrid[:64, :64] - 31.5
    far = np.hypot(y, x) / 64
    places = (far < 0.06, abs(far - 0.17) < 0.03, abs(far - 0.46) < 0.04)
    return tuple(phantoms(kind)[:, place].mean(axis=(0, 1)) for place in places)


def test_one_seed_draws_one_picture_in_this_and_another_process() -> None:
    program = "import sys, melanoma.samples.phantoms as s; sys.stdout.buffer.write(s.draw(5, 60, 80).tobytes())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert digest(draw(5, 60, 80)) == digest(draw(5, 60, 80)) == hashlib.sha256(other).hexdigest()


def test_different_seeds_draw_different_pictures() -> None:
    assert len({digest(draw(seed, 24, 32)) for seed in range(30)}) == 30


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 7), (33, 47)])
def test_a_phantom_has_the_requested_size(size: tuple[int, int]) -> None:
    pixels = draw(2, *size)
    assert pixels.shape == (*size, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


def test_the_vascular_kind_is_the_reddest_against_its_skin() -> None:
    redness = {}
    for kind in KINDS:
        middle, _, skin = colours(kind)
        contrast = middle / skin
        redness[kind] = contrast[0] / contrast[1]
    assert max(redness, key=redness.__getitem__) == "vascular"


def test_only_the_dermatofibroma_kind_is_paler_in_its_middle() -> None:
    for kind in KINDS:
        middle, ring, skin = colours(kind)
        assert (middle.mean() > ring.mean() + 10) == (kind == "dermatofibroma"), kind
        assert ring.mean() < skin.mean() - 10, kind


def test_the_melanoma_kind_holds_more_colours_than_the_nevus_kind() -> None:
    def variety(kind: str) -> float:
        return float(np.mean([np.ptp(pixels[20:44, 20:44], axis=2).std() for pixels in phantoms(kind)]))

    assert variety("melanoma") > 1.5 * variety("nevus")
