"""Photographs are scored one by one, in their order, on no more threads than allowed."""

import threading

import numpy as np
import pytest

from melanoma.images.pixels import Pixels
from melanoma.model.one_by_one import OneByOneEngine, Outputs


def pictures(count: int) -> Pixels:
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_photograph_reaches_the_library_alone_and_the_order_is_kept(count: int) -> None:
    seen = []

    def run(pixels: Pixels) -> Outputs:
        seen.append(pixels.shape)
        return [pixels.mean(axis=(1, 2), dtype=np.float32), pixels[:, 0, 0, 0].astype(np.float32)]

    found = OneByOneEngine(run, "x", 8, threads=3).score(pictures(count))
    assert seen == [(1, 2, 2, 3)] * count
    np.testing.assert_array_equal(found.probabilities[:, 0], np.arange(count))
    np.testing.assert_array_equal(found.ood, np.arange(count))


def test_several_photographs_are_scored_at_once() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def run(pixels: Pixels) -> Outputs:
        meeting.wait()  # breaks unless two threads are here together
        return [np.zeros((1, 2), np.float32)]

    assert OneByOneEngine(run, "x", 4, threads=2).score(pictures(4)).probabilities.shape == (4, 2)


def test_an_error_of_the_library_reaches_the_caller() -> None:
    def run(pixels: Pixels) -> Outputs:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        OneByOneEngine(run, "x", 4, threads=2).score(pictures(3))
