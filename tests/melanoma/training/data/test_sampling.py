"""Sampling: class shares between those of the data and equal ones, photographs of a class equally often."""

import numpy as np
import pytest

from melanoma.training.data.sampling import class_shares, sample_epoch


@pytest.mark.parametrize(("balance", "expected"), [(0, [0.1, 0, 0.9]), (0.5, [0.25, 0, 0.75]), (1, [0.5, 0, 0.5])])
def test_shares_go_from_those_of_the_data_to_equal_ones(balance: float, expected: list[float]) -> None:
    labels = np.array([0] * 10 + [2] * 90)
    assert class_shares(labels, balance).tolist() == pytest.approx(expected)
    sampled = labels[sample_epoch(labels, (0, 0), 100, balance, 99)]
    assert np.bincount(sampled, minlength=3) / 100 == pytest.approx(np.array(expected))


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.7, 1.0])
def test_a_larger_class_never_gets_a_smaller_share(balance: float) -> None:
    labels = np.repeat(np.arange(4), [3, 17, 17, 400])
    shares = class_shares(labels, balance)
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) >= -1e-12).all() and shares[1] == shares[2]


def test_no_photograph_is_repeated_before_all_others_of_its_class_occurred() -> None:
    labels = np.array([0] * 10 + [1] * 90)
    counts = np.bincount(sample_epoch(labels, (0, 0), 100, 1.0, 99), minlength=100)
    assert set(counts[:10]) == {5}
    assert set(counts[10:]) == {0, 1}


def test_without_balance_an_epoch_is_a_permutation() -> None:
    labels = np.array([0] * 13 + [1] * 29 + [3] * 2)
    sampled = sample_epoch(labels, (5, 2), len(labels), 0.0, 6)
    assert sorted(sampled.tolist()) == list(range(44))
    assert sampled.tolist() != sorted(sampled.tolist())


def test_the_limit_on_repeats_keeps_a_class_small() -> None:
    labels = np.array([0] * 50 + [1])
    assert np.bincount(labels[sample_epoch(labels, (0, 0), 51, 1.0, 3)]).tolist() == [26, 3]


@pytest.mark.parametrize("draws", [10, 51, 500])
def test_the_length_is_near_the_requested_one(draws: int) -> None:
    labels = np.repeat(np.arange(3), [40, 30, 30])
    assert abs(len(sample_epoch(labels, (0, 0), draws, 0.5, 99)) - draws) <= 1


def test_samples_differ_by_seed_and_by_epoch() -> None:
    labels = np.array([0] * 50 + [1] * 50)
    samples = [sample_epoch(labels, key, 100, 1.0, 9).tolist() for key in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert samples[0] == samples[1]
    assert samples[0] != samples[2] != samples[3] != samples[0]


def test_the_order_of_random_draws_is_the_one_that_earlier_trainings_used() -> None:
    """One permutation per class, in the order of the classes, then one shuffle of everything."""
    labels, rng = np.array([0, 1, 0, 1, 1, 0, 1]), np.random.default_rng((3, 4))
    zeros, ones = rng.permutation([0, 2, 5]), rng.permutation([1, 3, 4, 6])
    expected = rng.permutation(np.concatenate([zeros, ones]))
    assert sample_epoch(labels, (3, 4), 7, 0.0, 6).tolist() == expected.tolist()
