"""A metric is a function of weights: a photograph of weight 2 counts as two photographs."""

import numpy as np
import pytest

from melanoma.evaluation.metrics.metric import average, ratio, share

RNG = np.random.default_rng(0)
HITS, AMONG, VALUES = RNG.random(30) < 0.5, RNG.random(30) < 0.7, RNG.normal(size=30)
WEIGHTS = RNG.integers(0, 4, (6, 30))


def test_weights_of_one_give_the_plain_share_and_mean() -> None:
    once = np.ones((1, 30))
    assert share(HITS, AMONG).compute(once).tolist() == [HITS[AMONG].mean()]
    assert average(VALUES).compute(once) == pytest.approx(VALUES.mean())


def test_whole_weights_are_copies() -> None:
    shares, means = share(HITS, AMONG).compute(WEIGHTS * 1.0), average(VALUES).compute(WEIGHTS * 1.0)
    for row, weights in enumerate(WEIGHTS):
        copies = np.repeat(np.arange(30), weights)
        counted = copies[AMONG[copies]]
        assert shares[row] == pytest.approx(HITS[counted].mean())
        assert means[row] == pytest.approx(VALUES[copies].mean())


def test_without_photographs_that_count_a_metric_is_undefined() -> None:
    none = np.zeros((2, 30))
    assert np.isnan(share(HITS, AMONG).compute(none)).all()
    assert np.isnan(average(VALUES).compute(none)).all()
    assert np.isnan(share(HITS, np.zeros(30, np.bool_)).compute(np.ones((1, 30)))).all()


def test_a_metric_states_which_photographs_it_is_based_on() -> None:
    counted, mean = share(HITS, AMONG), average(VALUES)
    assert (counted.among.tolist(), counted.is_share, counted.is_biased) == (AMONG.tolist(), True, False)
    assert (mean.among.tolist(), mean.is_share, mean.is_biased) == ([True] * 30, False, False)


def test_a_ratio_is_broadcast_and_undefined_without_a_divisor() -> None:
    found = ratio(np.array([[1.0], [0.0], [3.0]]), np.array([[2.0, 0.0]]))
    assert found[:, 0].tolist() == [0.5, 0.0, 1.5]
    assert np.isnan(found[:, 1]).all()
