"""The chapter about subgroups."""

import numpy as np

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.subgroups import subgroups
from tests.helpers.html_reader import HtmlReader
from tests.helpers.predictions import predictions_of, random_predictions


def test_each_column_has_a_table_with_a_row_for_each_value() -> None:
    sex = np.where(np.arange(200) < 30, "<b>f", "m")
    site = np.full(200, "back")
    report = evaluate(random_predictions(200, subgroups={"sex": sex, "<i>site": site}), seed=0)
    found = HtmlReader(subgroups(report))
    assert found.headings == ["Subgroups", "sex", "<i>site"]
    head, few, many, _, back = found.rows
    assert head == ["", "n", "melanomas", "classes", "balanced accuracy", "melanoma AUC"]
    melanomas = report["subgroups"]["sex"]["<b>f"]["melanomas"]
    assert few == ["<b>f", "30", str(melanomas), "", "too few photographs", "too few photographs"]
    metrics = report["subgroups"]["sex"]["m"]
    assert many[:4] == ["m", "170", str(metrics["melanomas"]), "3"]
    assert many[4].startswith(f"{metrics['balanced_accuracy']['value']:.3f} (")
    assert many[5].startswith(f"{metrics['melanoma_auc']['value']:.3f} (")
    assert back[1] == "200"
    assert found.values("class").count("reference") == 4


def test_a_model_without_melanoma_is_compared_by_balanced_accuracy_alone() -> None:
    predictions = predictions_of([[0.6, 0.4], [0.3, 0.7]] * 30, [0, 1] * 30, ("nevus", "scar"))
    plain = evaluate(predictions, seed=0)
    report = evaluate(
        type(predictions)(
            predictions.slugs,
            predictions.truth,
            predictions.probabilities,
            predictions.top,
            predictions.groups,
            subgroups={"sex": np.full(60, "f")},
        ),
        seed=0,
    )
    (_, row) = HtmlReader(subgroups(report)).rows
    assert row[4].startswith("1.000") and row[5] == "too few photographs"
    assert subgroups(plain) == ""
