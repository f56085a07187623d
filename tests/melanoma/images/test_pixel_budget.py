"""Large pictures take turns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from melanoma.images.pixel_budget import PixelBudget


def most_at_once(budget: PixelBudget, sizes: list[int]) -> int:
    """Holds all sizes from as many threads, and gives the largest sum that was held at a time."""
    held, most, lock = 0, 0, threading.Lock()

    def hold(size: int) -> None:
        nonlocal held, most
        with budget.reserve(size):
            with lock:
                held += size
                most = max(most, held)
            threading.Event().wait(0.01)
            with lock:
                held -= size

    with ThreadPoolExecutor(len(sizes)) as pool:
        list(pool.map(hold, sizes))
    return most


def test_no_more_than_the_budget_is_held_at_a_time() -> None:
    assert 6 < most_at_once(PixelBudget(10), [4, 3, 3, 2, 5, 1, 4, 3] * 4) <= 10


def test_a_picture_beyond_the_budget_is_made_alone() -> None:
    assert most_at_once(PixelBudget(10), [15, 15, 15]) == 15


def test_what_fails_gives_its_share_back() -> None:
    budget = PixelBudget(10)
    for _ in range(3):
        with pytest.raises(ValueError, match="damaged"), budget.reserve(10):
            raise ValueError("damaged")
    with budget.reserve(10):
        pass
