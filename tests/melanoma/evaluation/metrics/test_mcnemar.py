"""McNemar's exact test on photographs that only one model classifies correctly."""

import numpy as np
import pytest
from scipy.stats import binomtest

from melanoma.evaluation.metrics.mcnemar import binomial_p, mcnemar
from tests.helpers.predictions import predictions_of

RIGHT, WRONG = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]


def test_only_photographs_that_one_model_gets_right_count() -> None:
    old = predictions_of([RIGHT] * 6 + [WRONG] * 4, [0] * 10)
    new = predictions_of([RIGHT] * 5 + [WRONG] + [RIGHT] * 3 + [WRONG], [0] * 10)
    assert mcnemar(old, new) == {"only_old_right": 1, "only_new_right": 3, "p": pytest.approx(0.625)}
    assert mcnemar(new, old) == {"only_old_right": 3, "only_new_right": 1, "p": pytest.approx(0.625)}


def test_equal_models_and_no_photographs_show_nothing() -> None:
    old = predictions_of([RIGHT] * 6, [0] * 6)
    assert mcnemar(old, old) == {"only_old_right": 0, "only_new_right": 0, "p": 1.0}
    assert mcnemar(predictions_of([], []), predictions_of([], []))["p"] == 1.0


@pytest.mark.parametrize("n", [1, 2, 7, 40, 333])
def test_the_p_value_equals_that_of_scipy(n: int) -> None:
    for one in range(0, n + 1, max(1, n // 20)):
        assert binomial_p(one, n - one) == pytest.approx(binomtest(one, n).pvalue, rel=1e-9)


def test_the_p_value_of_very_many_photographs_does_not_overflow() -> None:
    assert binomial_p(40_000, 41_000) == pytest.approx(binomtest(40_000, 81_000).pvalue, rel=1e-6)
    assert np.isfinite(binomial_p(0, 1_000_000))
