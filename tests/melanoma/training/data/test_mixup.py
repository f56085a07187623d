"""Mixup: some batches are blended with themselves, pixels and targets in step."""

import numpy as np
import pytest

from melanoma.training.data.mixup import mixup

TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]
# One colour channel per class, so that a blend of pixels shows the targets that belong to it.
PIXELS = np.broadcast_to(np.uint8(255 * TARGETS)[:, None, None, :], (4, 2, 2, 3)).copy()


def test_targets_are_blended_as_the_pixels_are() -> None:
    for batch in range(30):
        pixels, targets = mixup(PIXELS, TARGETS, 1.0, (0, 1, batch))
        assert (pixels.dtype, targets.dtype) == (np.uint8, np.float32)
        assert targets.sum(axis=1) == pytest.approx(np.ones(4))
        assert np.abs(pixels / 255 - targets[:, None, None, :]).max() <= 0.5 / 255 + 1e-6


def test_all_photographs_of_a_batch_have_one_weight_and_each_is_used_twice() -> None:
    pixels, targets = np.zeros((8, 1, 1, 3), np.uint8), np.eye(8, dtype=np.float32)
    _, blended = mixup(pixels, targets, 1.0, (3, 0, 0))
    weight = blended.max(axis=1)
    assert np.ptp(weight[(blended > 0).sum(axis=1) == 2]) < 1e-6
    assert blended.sum(axis=0) == pytest.approx(np.ones(8))


def test_the_rate_is_that_of_the_batches() -> None:
    changed = [mixup(PIXELS, TARGETS, 0.3, (0, 1, batch))[0] is not PIXELS for batch in range(400)]
    assert 90 < sum(changed) < 150
    unchanged = [mixup(PIXELS, TARGETS, 0.0, (0, 1, batch)) for batch in range(20)]
    assert all(pixels is PIXELS and targets is TARGETS for pixels, targets in unchanged)


def test_most_blends_stay_close_to_one_of_their_photographs() -> None:
    """A Beta distribution of 0.4 and 0.4 has mean 1/2 and variance 1 / (4 * 1.8)."""
    pixels, targets = np.zeros((2, 1, 1, 3), np.uint8), np.eye(2, dtype=np.float32)
    weights = np.array([mixup(pixels, targets, 1.0, (0, 0, batch))[1][0, 0] for batch in range(3000)])
    weights = weights[weights < 1]  # without those in which the order stayed as it was
    assert weights.mean() == pytest.approx(0.5, abs=0.03)
    assert weights.var() == pytest.approx(1 / 7.2, abs=0.01)


def test_the_key_determines_the_blend_and_nothing_is_changed_in_place() -> None:
    before = PIXELS.copy(), TARGETS.copy()
    first, again, other = (mixup(PIXELS, TARGETS, 1.0, key) for key in ((0, 0, 4), (0, 0, 4), (0, 1, 4)))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])
    assert np.array_equal(before[0], PIXELS) and np.array_equal(before[1], TARGETS)
