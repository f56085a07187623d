"""What a card says about a precision that differs from that of the bundle before."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.formatting import with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA
from melanoma.model.description import FLAGGED
from melanoma.training.release.markdown_tables import table
from melanoma.training.release.measuring import Measured

_Report = Mapping[str, Any]


class _Figure(NamedTuple):
    words: str
    of: Callable[[_Report], _Report | None]
    sign: int  # 1 where more is better, -1 where less is


_FIGURES = (
    _Figure("balanced accuracy", lambda report: report.get("balanced_accuracy"), 1),
    _Figure("AUC of melanoma", lambda report: report["by_label"].get(MELANOMA, {}).get("auc"), 1),
    _Figure("melanoma flag: sensitivity", lambda report: (report["flag_melanoma"] or {}).get("sensitivity"), 1),
    _Figure("melanoma flag: specificity", lambda report: (report["flag_melanoma"] or {}).get("specificity"), 1),
    _Figure("calibration error", lambda report: (report["calibration"] or {}).get("error"), -1),
    _Figure("log loss", lambda report: report.get("log_loss"), -1),
)


def precision_section(name: str, measured: Measured, name_before: str, before: Measured) -> list[str]:
    """Returns paragraphs of Markdown that compare two precisions of one network on the test part.

    Args:
        name: The precision of the bundle.
        measured: Figures in this precision.
        name_before: The precision of the earlier bundle.
        before: Figures in that precision.
    """
    new, old = measured.test_output.probabilities, before.test_output.probabilities
    classes = int((new.argmax(axis=1) != old.argmax(axis=1)).sum())
    flags = int((_flags(measured) != _flags(before)).sum())
    found, stated = measured.report, before.report
    rows = [(one.words, with_interval(one.of(found)), with_interval(one.of(stated))) for one in _FIGURES]
    return [
        f"**The network computes in {name}**; that of the bundle before computes in {name_before}. Of the {len(new)} "
        f"photographs of the test part, {classes} have another most probable class and {flags} another melanoma flag; "
        f"a probability differs by at most {np.abs(new - old).max():.3f}.",
        table(("on the test part", name, name_before), rows),
        _verdict(found, stated),
    ]


def _flags(measured: Measured) -> npt.NDArray[np.bool_]:
    """Returns which photographs of the test part are flagged; none without a threshold."""
    probabilities, slugs = measured.test_output.probabilities, measured.report["labels"]
    if FLAGGED not in measured.thresholds:
        return np.zeros(len(probabilities), bool)
    return np.asarray(probabilities[:, slugs.index(FLAGGED)] >= measured.thresholds[FLAGGED], bool)


def _verdict(found: _Report, stated: _Report) -> str:
    """Says which figures have become worse by more than half the width of their interval."""
    pairs = [(one, one.of(found), one.of(stated)) for one in _FIGURES]
    known = [(one, new, old) for one, new, old in pairs if new and old]
    worse = [one.words for one, new, old in known if one.sign * (old["value"] - new["value"]) > _half_width(old)]
    if worse:
        return f"Worse by more than half the width of the interval: {', '.join(worse)}."
    return "No figure that could be measured is worse by more than half the width of its interval."


def _half_width(estimate: _Report) -> float:
    return float(estimate["high"] - estimate["low"]) / 2
