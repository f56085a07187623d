"""Whether a new model should replace an old one: one rule, fixed before anybody looks at the figures."""

from collections.abc import Mapping
from typing import Any

from melanoma.evaluation.formatting import signed
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS

MARGIN = 0.01
MELANOMA_MARGIN = 0.05
PROMOTE, KEEP, OPEN = "promote", "do not promote", "no difference shown"
RULE = (
    f"Promote: the balanced accuracy is higher, the 95 % interval of its difference lies above -{MARGIN}, and that of "
    f"the melanoma sensitivity's difference above -{MELANOMA_MARGIN}. Do not promote: balanced accuracy, melanoma "
    "sensitivity or melanoma AUC is shown to fall, its interval lying below 0; or all but the melanoma sensitivity "
    "speaks for it. Otherwise no difference is shown."
)
_GUARDED = {
    "balanced_accuracy": "balanced accuracy",
    "melanoma_sensitivity": "melanoma sensitivity",
    "melanoma_auc": "melanoma AUC",
}


def verdict(figures: Mapping[str, Any], knows_melanoma: bool) -> dict[str, Any]:
    """Applies the rule.

    Args:
        figures: By name, each with its `difference`, as `comparison.judge` gives them.
        knows_melanoma: Whether both models know melanoma.

    Returns:
        JSON values: verdict (`promote`, `do not promote` or `no difference shown`), reasons and the rule.
    """
    differences = {name: figures[name]["difference"] for name in _GUARDED if name in figures}
    known = {name: difference for name, difference in differences.items() if difference is not None}
    fallen = [f"{_GUARDED[name]} is shown to fall: {signed(known[name])}" for name in known if known[name]["high"] < 0]
    balanced, sensitivity = known.get("balanced_accuracy"), known.get("melanoma_sensitivity")
    if fallen:
        return _given(KEEP, fallen)
    if balanced is None:
        return _given(OPEN, ["no class has enough photographs to be evaluated"])
    said = f"balanced accuracy differs by {signed(balanced)}"
    if balanced["value"] <= 0 or balanced["low"] <= -MARGIN:
        return _given(OPEN, [said])
    if not knows_melanoma:
        return _given(PROMOTE, [said, "the models do not know melanoma"])
    if sensitivity is None:
        few = f"fewer than {MIN_TEST_PHOTOGRAPHS} melanomas cannot show that its sensitivity holds"
        return _given(KEEP, [said, few])
    if sensitivity["low"] <= -MELANOMA_MARGIN:
        open_ = f"a fall of the melanoma sensitivity by more than {MELANOMA_MARGIN} is not ruled out: "
        return _given(KEEP, [said, open_ + signed(sensitivity)])
    return _given(PROMOTE, [said, f"melanoma sensitivity differs by {signed(sensitivity)}"])


def _given(word: str, reasons: list[str]) -> dict[str, Any]:
    return {"verdict": word, "reasons": reasons, "rule": RULE}
