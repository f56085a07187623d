"""Reports are plain JSON, and the documentation lists every key."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import compare
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth
from melanoma.evaluation.inputs.pairing import pair_predictions
from melanoma.evaluation.report import Report
from tests.helpers import ROOT
from tests.helpers.predictions import random_predictions
from tests.helpers.score_tables import SLUGS, read_predictions, scored_row, write_labels, write_table

DOC = (ROOT / "docs" / "models" / "evaluation.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"`([a-z_0-9.-]+)`", DOC))
ESTIMATE = {"value", "low", "high", "n"}


@pytest.fixture(scope="module")
def evaluation() -> Report:
    flags = np.arange(300) % 2 == 0
    subgroups = {"sex": np.full(300, "f")}
    return evaluate(random_predictions(300, flagged=flags, review=~flags, subgroups=subgroups), seed=0)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder: Path = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    tables = [
        write_table(folder / name, [scored_row(str(i), *rng.dirichlet(np.ones(3))) for i in range(60)])
        for name in ("old", "new")
    ]
    lines = "".join(f"{i},{SLUGS[i % 3]}\n" for i in range(60))
    labels = read_ground_truth(
        write_labels(folder / "labels.csv", "image_id,dx\n" + lines), LabelColumns("image_id", "dx")
    )
    return compare(pair_predictions(*map(read_predictions, tables)), labels, None, seed=0)


def test_reports_survive_json(evaluation: Report, comparison: Report) -> None:
    for report in (evaluation, comparison):
        assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_every_key_of_an_evaluation_is_documented(evaluation: Report) -> None:
    by_name = {"by_label": "melanoma", "curves": "melanoma", "subgroups": "sex"}
    keys = set(evaluation)
    for name, value in evaluation.items():
        part = value[by_name[name]] if name in by_name else value
        part = part["f"] if name == "subgroups" else part
        if isinstance(part, dict):
            keys |= {f"{name}.{inner}" for inner in part if inner not in ESTIMATE}
    assert len(keys) > 50
    assert keys - DOCUMENTED == set()


def test_every_key_of_a_comparison_is_documented(comparison: Report) -> None:
    keys = set(comparison) | set(comparison["judged"]["figures"])
    for name in ("agreement", "judged"):
        keys |= {f"{name}.{inner}" for inner in comparison[name] if inner not in ESTIMATE}
    assert len(keys) > 30
    assert keys - DOCUMENTED == set()
