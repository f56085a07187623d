"""The quality sample holds uncertain and changed photographs, under pseudonyms unless URIs are requested."""

from pathlib import Path
from typing import Any

import pytest

from melanoma.reporting.content import report_content
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.model_runs import Probabilities, commit_scores, model_run, uri_of
from tests.helpers.outputs import layout_of

SHOWN = ReportOptions(show_uris=True, list_suspicious=True)


def sample_of(
    output: Path, bundle_uri: str, *runs: dict[str, Probabilities], options: ReportOptions = SHOWN
) -> dict[str, Any]:
    """Commits runs on consecutive days and returns the sample of the last one."""
    for place, scores in enumerate(runs):
        model = model_run(output, bundle_uri, day=2 + place)
        record = commit_scores(model, scores)
    return dict(report_content(model, record, [], options)["sample"])


def test_the_least_certain_photographs_are_first(tmp_path: Path, bundle_uri: str) -> None:
    scores = {"sure": (0.0, 1.0, 0.0), "unsure": (0.5, 0.45, 0.05), "between": (0.25, 0.5, 0.25)}
    found = sample_of(tmp_path, bundle_uri, scores)["least_certain"]
    assert [row["photograph"] for row in found] == [uri_of(name) for name in ("unsure", "between", "sure")]
    assert [row["margin"] for row in found] == pytest.approx([0.05, 0.25, 1.0])
    assert [row["top_label"] for row in found] == ["melanoma", "nevus", "nevus"]


def test_a_sample_holds_five_photographs_and_ten_suspicious_ones(tmp_path: Path, bundle_uri: str) -> None:
    scores = {f"{place:02}": (place / 20, 1 - place / 20, 0.0) for place in range(20)}
    moved = {name: (b, a, c) for name, (a, b, c) in scores.items()}
    found = sample_of(tmp_path, bundle_uri, scores, moved)
    assert {name: len(rows) for name, rows in found.items()} == {"least_certain": 5, "most_moved": 5, "suspicious": 10}


def test_the_most_changed_differ_most_from_the_newest_earlier_scores(tmp_path: Path, bundle_uri: str) -> None:
    found = sample_of(
        tmp_path,
        bundle_uri,
        {"a": (1.0, 0.0, 0.0), "b": (0.0, 1.0, 0.0)},
        {"a": (0.0, 1.0, 0.0)},
        {"a": (0.0, 0.75, 0.25), "b": (0.5, 0.5, 0.0), "new": (1.0, 0.0, 0.0)},
    )["most_moved"]
    assert [(row["photograph"], row["from"], row["to"]) for row in found] == [
        (uri_of("b"), "nevus", "melanoma"),
        (uri_of("a"), "nevus", "nevus"),
    ]
    assert [row["distance"] for row in found] == pytest.approx([0.5, 0.25])


def test_a_photograph_that_did_not_move_is_not_among_the_most_changed(tmp_path: Path, bundle_uri: str) -> None:
    before = {"same": (0.25, 0.75, 0.0), "rounded": (0.25, 0.75, 0.0), "moved": (0.25, 0.75, 0.0)}
    now = before | {"rounded": (0.2504, 0.7496, 0.0), "moved": (0.251, 0.749, 0.0)}
    found = sample_of(tmp_path, bundle_uri, before, now)["most_moved"]
    assert [row["photograph"] for row in found] == [uri_of("moved")]


def test_scores_of_other_models_are_not_compared(tmp_path: Path, bundle_uri: str) -> None:
    commit_scores(model_run(tmp_path, bundle_uri), {"a": (1.0, 0.0, 0.0)}, model_id="m-000000000002")
    model = model_run(tmp_path, bundle_uri, day=3)
    record = commit_scores(model, {"a": (0.0, 1.0, 0.0)})
    assert report_content(model, record, [], SHOWN)["sample"]["most_moved"] == []


def test_suspicious_photographs_are_sorted_by_probability_of_melanoma(tmp_path: Path, bundle_uri: str) -> None:
    scores = {"low": (0.125, 0.875, 0.0), "high": (0.75, 0.25, 0.0), "middle": (0.5, 0.5, 0.0)}
    found = sample_of(tmp_path, bundle_uri, scores)["suspicious"]
    assert [(row["photograph"], row["p_melanoma"]) for row in found] == [
        (uri_of("high"), 0.75),
        (uri_of("middle"), 0.5),
        (uri_of("low"), 0.125),
    ]


def test_without_options_photographs_have_pseudonyms_and_no_ranking(tmp_path: Path, bundle_uri: str) -> None:
    before, now = {"a": (1.0, 0.0, 0.0)}, {"a": (0.0, 1.0, 0.0)}
    found = sample_of(tmp_path, bundle_uri, before, now, options=ReportOptions())
    pseudonym = Pseudonyms.of_table(layout_of(tmp_path)).pseudonym(uri_of("a"))
    assert "suspicious" not in found and "archive" not in str(found)
    assert [row["photograph"] for rows in found.values() for row in rows] == [pseudonym, pseudonym]
