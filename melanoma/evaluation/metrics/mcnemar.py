"""McNemar's exact test: whether two models are correct equally often on the same photographs."""

import math

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions


def mcnemar(old: Predictions, new: Predictions) -> dict[str, float | int]:
    """Tests the photographs that only one of two models classifies correctly, each counting by itself.

    McNemar: "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika
    12, 1947; here as the exact, two-sided binomial test.

    Returns:
        JSON values: only_old_right, only_new_right and p.
    """
    old_correct, new_correct = old.top == old.truth, new.top == new.truth
    only_old = int(np.count_nonzero(old_correct & ~new_correct))
    only_new = int(np.count_nonzero(new_correct & ~old_correct))
    return {"only_old_right": only_old, "only_new_right": only_new, "p": binomial_p(only_old, only_new)}


def binomial_p(one: int, other: int) -> float:
    """Returns the two-sided p-value of a split of one + other trials if both outcomes are equally likely, 0 to 1.

    The same as `scipy.stats.binomtest(one, one + other).pvalue`; SciPy is installed only for training.
    """
    n = one + other
    log_terms = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2)
        for i in range(min(one, other) + 1)
    ]
    return min(1.0, 2 * sum(map(math.exp, log_terms)))
