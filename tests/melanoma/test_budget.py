"""Threads decode at the same time as long as their photographs fit into the budget together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from melanoma.budget import Budget

SOON = 0.2  # seconds within which unblocked threads meet
LATE = 10.0  # seconds after which a thread that should have continued counts as stuck


def meet(budget: Budget, sizes: list[int], timeout: float) -> bool:
    """Reserves all sizes from as many threads; returns whether all of them were held at the same time."""
    barrier = threading.Barrier(len(sizes))

    def hold(size: int) -> bool:
        with budget.reserve(size):
            try:
                barrier.wait(timeout)
            except threading.BrokenBarrierError:
                return False
            return True

    with ThreadPoolExecutor(len(sizes)) as pool:
        met = list(pool.map(hold, sizes))
    assert len(set(met)) == 1
    return met[0]


@pytest.mark.parametrize("sizes", [[10], [5, 5], [4, 3, 3], [1] * 10])
def test_what_fits_together_is_held_at_the_same_time(sizes: list[int]) -> None:
    assert meet(Budget(10), sizes, LATE)


@pytest.mark.parametrize("sizes", [[5, 6], [4, 4, 3], [10, 1]])
def test_what_exceeds_the_budget_is_never_held_at_the_same_time(sizes: list[int]) -> None:
    assert not meet(Budget(10), sizes, SOON)


def test_a_photograph_beyond_the_budget_is_decoded_alone() -> None:
    budget = Budget(10)
    assert meet(budget, [15], LATE)
    assert not meet(budget, [15, 1], SOON)
    assert not meet(budget, [15, 15], SOON)


def test_a_release_wakes_every_thread_that_fits() -> None:
    budget, holding, release = Budget(10), threading.Event(), threading.Event()

    def hold_everything() -> None:
        with budget.reserve(10):
            holding.set()
            release.wait(LATE)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(hold_everything)
        assert holding.wait(LATE)
        both = pool.submit(meet, budget, [5, 5], LATE)
        with pytest.raises(TimeoutError):
            both.result(SOON)  # both threads wait by now
        release.set()
        assert both.result(LATE)


def test_a_failure_inside_the_block_releases_its_pixels() -> None:
    budget = Budget(10)
    for _ in range(3):
        with pytest.raises(ValueError, match="damaged"), budget.reserve(10):
            raise ValueError("damaged")
    assert meet(budget, [5, 5], LATE)
