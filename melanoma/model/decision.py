"""Turns a network's outputs into a label, a flag and a referral for review, by the rule of its bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from melanoma.model.description import FLAGGED, OOD_ABOVE, REVIEW_BELOW

RAREST = 1 / 200  # a class with a smaller share is not weighted up by the balanced rule
_SMALLEST = 1e-12  # lower bound of a probability inside a logarithm
OOD_SCORE = "ood_score"  # the second output of a network that has one
UNLIKE_TRAINING, UNCERTAIN = "unlike_training", "uncertain"  # all reasons for a review


class ModelOutput(NamedTuple):
    """The outputs of a network for a batch.

    Attributes:
        probabilities: float32 (n, labels).
        ood: float32 (n,), 0 to 1, the out-of-distribution score; None for a network that has none.
    """

    probabilities: npt.NDArray[np.float32]
    ood: npt.NDArray[np.float32] | None = None


def log_probabilities(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Returns logarithms of probabilities, none of them infinite: the logits up to a constant for each photograph."""
    logits: npt.NDArray[np.float64] = np.log(np.maximum(probabilities, _SMALLEST, dtype=np.float64))
    return logits


class Decides(Protocol):
    """What `decide` needs to know; a bundle and a `Rule` provide it."""

    @property
    def slugs(self) -> tuple[str, ...]:
        """Slugs of the labels, in the order of the network's outputs."""

    @property
    def prior(self) -> tuple[float, ...]:
        """Class shares that the probabilities refer to."""

    @property
    def decision_rule(self) -> str:
        """`balanced` or `argmax`."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Thresholds by name, as a bundle holds them."""


@dataclass(frozen=True)
class Rule:
    """A decision rule that is not part of a bundle, see `Decides`."""

    slugs: tuple[str, ...]
    prior: tuple[float, ...]
    decision_rule: str
    thresholds: Mapping[str, float]


class Decision(NamedTuple):
    """The decisions for a batch.

    Attributes:
        top_index: int64 (n,), index into the bundle's labels.
        top_probability: float32 (n,), the probability of that label, which need not be the largest.
        flag_melanoma: bool (n,), or None where the bundle has no threshold for melanoma.
        review: bool (n,), or None where the bundle has no threshold for a review.
        review_reason: For each photograph `unlike_training`, `uncertain`, or None where no review is needed.
    """

    top_index: npt.NDArray[np.int64]
    top_probability: npt.NDArray[np.float32]
    flag_melanoma: npt.NDArray[np.bool_] | None
    review: npt.NDArray[np.bool_] | None
    review_reason: list[str | None]


def are_sound(scores: ModelOutput) -> npt.NDArray[np.bool_]:
    """Returns bool (n,): the probabilities sum to 1, and the out-of-distribution score, if any, is 0 to 1."""
    probabilities, ood = scores
    sound: npt.NDArray[np.bool_] = (probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) < 1e-3)
    return sound if ood is None else sound & (ood >= 0) & (ood <= 1)


def decide(rule: Decides, scores: ModelOutput) -> Decision:
    """Applies a decision rule and its thresholds.

    A photograph needs a review if its out-of-distribution score lies above `ood_above`, or its confidence below
    `review_below`. Where both hold, the reason is `unlike_training`, however confident the network is.

    Args:
        rule: A bundle, or the rule of one.
        scores: Outputs whose probabilities sum to 1 in each row.
    """
    probabilities, thresholds = scores.probabilities, rule.thresholds
    top, confidence = choose(probabilities, rule.prior, rule.decision_rule)
    flagged = None
    if FLAGGED in thresholds and FLAGGED in rule.slugs:
        flagged = probabilities[:, rule.slugs.index(FLAGGED)] >= thresholds[FLAGGED]
    uncertain = confidence < thresholds.get(REVIEW_BELOW, 0.0)
    unlike = np.zeros(len(top), bool) if scores.ood is None else scores.ood > thresholds.get(OOD_ABOVE, 1.0)
    may_refer = REVIEW_BELOW in thresholds or OOD_ABOVE in thresholds
    reasons = [
        UNLIKE_TRAINING if is_unlike else UNCERTAIN if is_uncertain else None
        for is_unlike, is_uncertain in zip(unlike, uncertain, strict=True)
    ]
    chosen = probabilities[np.arange(len(top)), top]
    return Decision(top, chosen, flagged, unlike | uncertain if may_refer else None, reasons)


def choose(
    probabilities: npt.NDArray[np.floating[Any]], prior: Sequence[float], rule: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Chooses a label: `argmax` takes the likeliest; `balanced` weights all classes alike, whatever their shares.

    Dividing by the prior gives the decision under equal class shares, which maximises balanced accuracy (Saerens,
    Latinne, Decaestecker 2002). A class with a share below 1 in 200 is not weighted up: too few examples of it were
    seen, and it would be chosen whenever the network is unsure about all others.

    Args:
        probabilities: (n, labels), rows sum to 1.
        prior: Class shares that the probabilities refer to, in the order of the labels.
        rule: `balanced` or `argmax`.

    Returns:
        int64 (n,), index of the label, and float64 (n,), the confidence: the probability of that label, under
        `balanced` as it would be with equal class shares. NaN where a row does not hold probabilities.
    """
    shares = np.asarray(prior)
    weights = np.where(shares >= RAREST, shares, 1.0) if rule == "balanced" else np.ones(len(shares))
    weighted = probabilities / weights
    top = np.argmax(weighted, axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        confidence = weighted[np.arange(len(top)), top] / weighted.sum(axis=1)
    return top, confidence.astype(np.float64)
