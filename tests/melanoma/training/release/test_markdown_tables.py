"""What a card says of an evaluation."""

from dataclasses import replace

import numpy as np

from melanoma.evaluation.evaluate import evaluate
from melanoma.training.release.markdown_tables import evaluation_sections
from tests.helpers.predictions import random_predictions


def test_a_subgroup_that_cannot_be_judged_has_no_empty_table() -> None:
    predictions = replace(random_predictions(300), subgroups={"site": np.repeat("back", 300)})
    report = evaluate(predictions, 0)
    said = "\n".join(evaluation_sections(report, {}))
    assert "| back |" in said and "No group has two such classes." not in said
    report["subgroups"]["site"]["back"]["evaluated"] = report["subgroups"]["site"]["back"]["evaluated"][:1]
    said = "\n".join(evaluation_sections(report, {}))
    assert "| back |" not in said and said.rstrip().endswith("No group has two such classes.")
