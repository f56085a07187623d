"""The page of a comparison."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import compare
from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth
from melanoma.evaluation.inputs.pairing import PredictionPair, pair_predictions
from melanoma.evaluation.pages.comparison import common_scale, page
from melanoma.evaluation.promotion_rule import KEEP, OPEN, PROMOTE
from melanoma.evaluation.report import Report
from tests.helpers.html_reader import read_page
from tests.helpers.score_tables import OTHER_MODEL, SLUGS, read_predictions, scored_row, write_labels, write_table

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\"'&"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> PredictionPair:
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    old = [scored_row(f"DOE-{i}", *rng.dirichlet(np.ones(3))) for i in range(90)]
    new = [scored_row(f"DOE-{i}", *rng.dirichlet(np.ones(3)), model_id=OTHER_MODEL) for i in range(90)]
    tables = (write_table(folder / "old", old), write_table(folder / "new", new))
    return pair_predictions(*map(read_predictions, tables))


@pytest.fixture(scope="module")
def report(pair: PredictionPair, tmp_path_factory: pytest.TempPathFactory) -> Report:
    path: Path = tmp_path_factory.mktemp("labels") / "labels.csv"
    labels = write_labels(path, "image_id,dx\n" + "".join(f"DOE-{i},{SLUGS[i % 3]}\n" for i in range(90)))
    return compare(pair, read_ground_truth(labels, LabelColumns("image_id", "dx")), None, seed=0)


def test_verdict_metrics_and_differences_are_on_the_page(report: Report) -> None:
    html = page(report, HOSTILE)
    found = read_page(html)
    verdict = report["judged"]["verdict"]
    assert verdict["verdict"].capitalize() in found.text
    assert verdict["rule"] in found.text
    assert all(reason in found.text for reason in verdict["reasons"])
    rows = {row[0]: row for row in found.rows}
    for name, row in (
        ("balanced accuracy higher is better", report["judged"]["figures"]["balanced_accuracy"]),
        ("Brier score lower is better", report["judged"]["figures"]["brier"]),
    ):
        difference = row["difference"]
        assert rows[name][1].startswith(f"{row['old']['value']:.3f}")
        assert rows[name][2].startswith(f"{row['new']['value']:.3f}")
        assert rows[name][3] == "90"
        assert rows[name][4] == f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"
    assert report["agreement"]["largest"][0]["sha256"] in found.text
    assert "DOE" not in html


def test_chapters_follow_each_other(report: Report) -> None:
    assert read_page(page(report, "Old against new")).headings == [
        "Old against new",
        "Which model is better",
        "Sensitivity by class",
        "How far the predictions differ",
        "Changes of the chosen class",
        "Photographs that changed most",
        "How to read this page",
    ]


@pytest.mark.parametrize(("word", "kind"), [(PROMOTE, "verdict good"), (KEEP, "verdict bad"), (OPEN, "verdict")])
def test_each_verdict_has_its_css_class(report: Report, word: str, kind: str) -> None:
    judged = {**report["judged"], "verdict": {"verdict": word, "reasons": [], "rule": "The rule."}}
    assert kind in read_page(page({**report, "judged": judged}, "x")).values("class")


def test_without_labels_the_page_shows_only_how_far_the_predictions_differ(pair: PredictionPair) -> None:
    found = read_page(page(compare(pair, None, None, 0), "Alone"))
    assert found.headings[1] == "How far the predictions differ"
    assert "verdict" not in found.values("class")
    assert "McNemar" not in found.text


def test_mcnemars_test_is_explained(report: Report) -> None:
    test = report["judged"]["mcnemar"]
    text = read_page(page(report, "x")).text
    assert (
        f"Only the old model is correct on {test['only_old_right']} photographs, only the new one on "
        f"{test['only_new_right']}: p = {test['p']:.2g}"
    ) in text


@pytest.mark.parametrize(("end", "scale"), [(0.19, 0.2), (0.2, 0.2), (-0.21, 0.5), (0.51, 1.0), (1.7, 1.0)])
def test_the_common_scale_holds_every_interval(end: float, scale: float) -> None:
    difference = {"value": end / 2, "low": min(end, 0.0), "high": max(end, 0.0)}
    rows = {"a": {"difference": difference}, "b": {"difference": None}}
    assert common_scale({"figures": rows, "by_label": {}}) == scale
    assert common_scale({"figures": {}, "by_label": rows}) == scale


def test_the_scale_without_any_difference_is_the_smallest() -> None:
    assert common_scale({"figures": {}, "by_label": {}}) == 0.2
