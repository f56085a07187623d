"""Whether a new model should replace an old one: one rule, fixed before the results are known."""

from typing import Any

from melanoma.evaluation.formatting import signed
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.report import Report

MARGIN = 0.01
MELANOMA_MARGIN = 0.05
PROMOTE, KEEP, OPEN = "promote", "do not promote", "no difference shown"
RULE = (
    "Promote if the balanced accuracy is higher, the 95 % interval of its difference lies above "
    f"-{MARGIN}, and that of the difference in melanoma sensitivity lies above -{MELANOMA_MARGIN}. Do not promote if "
    "the interval of the difference in balanced accuracy, melanoma sensitivity or melanoma AUC lies below 0, or if "
    "only the condition on melanoma sensitivity fails. Otherwise no difference is shown."
)
_GUARDED = {
    "balanced_accuracy": "balanced accuracy",
    "melanoma_sensitivity": "melanoma sensitivity",
    "melanoma_auc": "melanoma AUC",
}


def verdict(metrics: Report, knows_melanoma: bool) -> dict[str, Any]:
    """Applies the rule.

    It is a test of non-inferiority with a margin for each metric (Piaggio et al.: "Reporting of noninferiority and
    equivalence randomized trials", JAMA 308, 2012), and the new model must also have the better point estimate.

    Args:
        metrics: Metrics by name, each with its `difference`, as `compare.compare_predictions` returns them.
        knows_melanoma: Whether both models know melanoma.

    Returns:
        JSON values: verdict (`promote`, `do not promote` or `no difference shown`), reasons and rule.
    """
    differences = {name: metrics[name]["difference"] for name in _GUARDED if name in metrics}
    known = {name: difference for name, difference in differences.items() if difference is not None}
    worse = [f"{_GUARDED[name]} is worse: {signed(known[name])}" for name in known if known[name]["high"] < 0]
    if worse:
        return _verdict(KEEP, *worse)
    balanced = known.get("balanced_accuracy")
    if balanced is None:
        return _verdict(OPEN, "no class has enough photographs to be evaluated")
    reason = f"balanced accuracy differs by {signed(balanced)}"
    if balanced["value"] <= 0 or balanced["low"] <= -MARGIN:
        return _verdict(OPEN, reason)
    if not knows_melanoma:
        return _verdict(PROMOTE, reason, "the models do not know melanoma")
    word, second = _judge_sensitivity(known.get("melanoma_sensitivity"))
    return _verdict(word, reason, second)


def _judge_sensitivity(difference: Report | None) -> tuple[str, str]:
    """Returns the verdict that the melanoma sensitivity allows, and the reason."""
    if difference is None:
        return KEEP, f"fewer than {MIN_TEST_PHOTOGRAPHS} melanomas cannot show that the sensitivity for melanoma holds"
    if difference["low"] <= -MELANOMA_MARGIN:
        return KEEP, (
            f"melanoma sensitivity may have fallen by more than {MELANOMA_MARGIN}: it differs by {signed(difference)}"
        )
    return PROMOTE, f"melanoma sensitivity differs by {signed(difference)}"


def _verdict(word: str, *reasons: str) -> dict[str, Any]:
    return {"verdict": word, "reasons": list(reasons), "rule": RULE}
