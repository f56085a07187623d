"""From what a network says to a label, a flag and a call for a person, by the rule and thresholds of its bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from melanoma.model.description import FLAGGED, OOD_ABOVE, REVIEW_BELOW

RAREST = 1 / 200  # of the class shares that the balanced rule evens out
OOD_SCORE = "ood_score"  # the second output of a network that has one
UNLIKE_TRAINING, UNCERTAIN = "unlike_training", "uncertain"  # every reason for a review there is


class ModelOutput(NamedTuple):
    """What a network says of a batch.

    Attributes:
        probabilities: float32 (n, labels).
        ood: float32 (n,), 0 to 1, how unlike the training photographs; None where the network does not say.
    """

    probabilities: npt.NDArray[np.float32]
    ood: npt.NDArray[np.float32] | None = None


class Decides(Protocol):
    """What decisions follow from: a bundle has it, and so has a `Rule`."""

    @property
    def slugs(self) -> tuple[str, ...]:
        """Of the labels, in the order of the network's outputs."""

    @property
    def prior(self) -> tuple[float, ...]:
        """Class shares that the probabilities refer to."""

    @property
    def decision_rule(self) -> str:
        """`balanced` or `argmax`."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """As a bundle holds them."""


@dataclass(frozen=True)
class Rule:
    """A decision rule without a bundle around it, see `Decides`."""

    slugs: tuple[str, ...]
    prior: tuple[float, ...]
    decision_rule: str
    thresholds: Mapping[str, float]


class Decision(NamedTuple):
    """What follows from a batch's scores.

    Attributes:
        top_index: int64 (n,), index into the bundle's labels.
        top_probability: float32 (n,), the probability of that label, which need not be the largest.
        flag_melanoma: bool (n,), or None where the bundle states no threshold for melanoma.
        review: bool (n,), or None where the bundle states no threshold for a review.
        review_reason: For each photograph `unlike_training`, `uncertain`, or None where no review is called for.
    """

    top_index: npt.NDArray[np.int64]
    top_probability: npt.NDArray[np.float32]
    flag_melanoma: npt.NDArray[np.bool_] | None
    review: npt.NDArray[np.bool_] | None
    review_reason: list[str | None]


def are_sound(scores: ModelOutput) -> npt.NDArray[np.bool_]:
    """Says, bool (n,), which photographs got probabilities of sum 1 and, if there is one, an `ood_score` of 0 to 1."""
    probabilities, ood = scores
    sound: npt.NDArray[np.bool_] = (probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) < 1e-3)
    return sound if ood is None else sound & (ood >= 0) & (ood <= 1)


def decide(rule: Decides, scores: ModelOutput) -> Decision:
    """Applies a decision rule and its thresholds.

    A review is called for where the score of unlikeness lies above `ood_above` or else the confidence below
    `review_below`; a photograph that is unlike the training set is called so, however sure the network is of it.

    Args:
        rule: Of a bundle, or one that is still to become part of one.
        scores: Probabilities whose rows sum to 1.
    """
    probabilities, thresholds = scores.probabilities, rule.thresholds
    top, confidence = choose(probabilities, rule.prior, rule.decision_rule)
    flagged = None
    if FLAGGED in thresholds and FLAGGED in rule.slugs:
        flagged = probabilities[:, rule.slugs.index(FLAGGED)] >= thresholds[FLAGGED]
    uncertain = confidence < thresholds.get(REVIEW_BELOW, 0.0)
    strange = np.zeros(len(top), bool) if scores.ood is None else scores.ood > thresholds.get(OOD_ABOVE, 1.0)
    states_any = REVIEW_BELOW in thresholds or OOD_ABOVE in thresholds
    reasons = [
        UNLIKE_TRAINING if is_strange else UNCERTAIN if is_uncertain else None
        for is_strange, is_uncertain in zip(strange, uncertain, strict=True)
    ]
    chosen = probabilities[np.arange(len(top)), top]
    return Decision(top, chosen, flagged, strange | uncertain if states_any else None, reasons)


def choose(
    probabilities: npt.NDArray[np.floating[Any]], prior: Sequence[float], rule: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Chooses a label by a rule: `balanced` weighs every class alike whatever its share, `argmax` takes the likeliest.

    Dividing by the prior makes the rule that of equal class shares, which maximises balanced accuracy
    (Saerens, Latinne, Decaestecker 2002). A class rarer than one in 200 is not favoured so: too little of it was seen,
    and it would be chosen whenever the network is unsure of all others.

    Args:
        probabilities: (n, labels), rows sum to 1.
        prior: Class shares that they refer to, in the order of the labels.
        rule: `balanced` or `argmax`.

    Returns:
        int64 (n,), index of the label, and float64 (n,), how sure that choice is: its probability, under `balanced`
        as it would be with equal class shares. NaN where a row is none of probabilities.
    """
    shares = np.asarray(prior)
    weights = np.where(shares >= RAREST, shares, 1.0) if rule == "balanced" else np.ones(len(shares))
    weighed = probabilities / weights
    top = np.argmax(weighed, axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        confidence = weighed[np.arange(len(top)), top] / weighed.sum(axis=1)
    return top, confidence.astype(np.float64)
