"""From probabilities to a label and a flag, by the rule that a bundle states."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.bundle import Bundle

FLAGGED = "melanoma"


class Decision(NamedTuple):
    """What follows from a batch's probabilities.

    Attributes:
        top_index: int64 (n,), index into the bundle's labels.
        top_probability: float32 (n,), the probability of that label, which need not be the largest.
        flag_melanoma: bool (n,), or None where the bundle states no threshold for melanoma.
    """

    top_index: npt.NDArray[np.int64]
    top_probability: npt.NDArray[np.float32]
    flag_melanoma: npt.NDArray[np.bool_] | None


def decide(bundle: Bundle, probabilities: npt.NDArray[np.float32]) -> Decision:
    """Applies the decision rule: `balanced` weighs every class alike whatever its share, `argmax` takes the likeliest.

    Dividing by the prior makes the rule that of equal class shares, which maximises balanced accuracy
    (Saerens, Latinne, Decaestecker 2002).

    Args:
        bundle: Whose rule, prior and thresholds count.
        probabilities: float32 (n, labels), rows sum to 1.
    """
    weights = np.asarray(bundle.prior) if bundle.decision_rule == "balanced" else 1.0
    top = np.argmax(probabilities / weights, axis=1)
    threshold = bundle.thresholds.get(FLAGGED)
    flagged = None
    if threshold is not None and FLAGGED in bundle.slugs:
        flagged = probabilities[:, bundle.slugs.index(FLAGGED)] >= threshold
    return Decision(top, probabilities[np.arange(len(top)), top], flagged)
