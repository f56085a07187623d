"""What a card says about a precision that differs from that of the bundle before."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma.training.release.markdown_tables import inline
from melanoma.training.release.measuring import Measured

# Words, key in a report, and whether more is better.
_METRICS = (("balanced accuracy", "balanced_accuracy", 1), ("AUC", "macro_auc", 1), ("log loss", "log_loss", -1))


def precision_paragraph(name: str, measured: Measured, name_before: str, before: Measured) -> str:
    """Returns a paragraph of Markdown that compares two precisions of one network on the test part.

    Args:
        name: The precision of the bundle.
        measured: Figures in this precision.
        name_before: The precision of the earlier bundle.
        before: Figures in that precision.
    """
    new, old = measured.test_output.probabilities, before.test_output.probabilities
    other = int((new.argmax(axis=1) != old.argmax(axis=1)).sum())
    pairs = [(words, measured.report.get(key), before.report.get(key)) for words, key, _ in _METRICS]
    figures = "; ".join(f"{words} {inline(found)}, before {inline(stated)}" for words, found, stated in pairs)
    lost = [words for words, key, sign in _METRICS if _is_lost(measured.report.get(key), before.report.get(key), sign)]
    return (
        f"**The network computes in {name}**; that of the bundle before computes in {name_before}. On the {len(new)} "
        f"photographs of the test part a probability differs by at most {np.abs(new - old).max():.3f}, and {other} "
        f"photographs have another most probable class. In this precision: {figures}. More than half the "
        f"width of its interval is lost in {' and '.join(lost) or 'none of them'}."
    )


def _is_lost(found: Mapping[str, Any] | None, stated: Mapping[str, Any] | None, sign: int) -> bool:
    if not found or not stated:
        return False
    return bool(sign * (stated["value"] - found["value"]) > (stated["high"] - stated["low"]) / 2)
