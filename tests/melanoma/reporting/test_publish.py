"""Reports are published beside run records; missing reports are added and erased photographs removed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.errors import NothingCommittedError
from melanoma.reporting import all_runs
from melanoma.reporting.publish import ReportSettings, forget, publish
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.reporting.verdict import Event, ReportedRun, read_verdict
from melanoma.runs import heartbeats
from melanoma.runs.records import KILLED, Counts, RunRecord, write_record
from melanoma.runs.run_history import read_series
from melanoma.shards import Shard
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.model_runs import Probabilities, commit_scores, model_run, uri_of
from tests.helpers.outputs import layout_of
from tests.helpers.reports import Page
from tests.helpers.score_tables import OTHER_MODEL

SCORES = {"a": (0.75, 0.25, 0.0), "b": (0.25, 0.75, 0.0)}
RUN_ID = "20260102T030405Z-00000000"


def published(
    output: Path, bundle_uri: str, day: int = 2, scores: dict[str, Probabilities] = SCORES, **options: bool
) -> dict[str, Any]:
    """Commits a run and publishes its report; returns its JSON document."""
    model = model_run(output, bundle_uri, day)
    record = commit_scores(model, scores)
    publish(model, record, ReportSettings(ReportOptions(**options)))
    return document(output, model.run.run_id)


def document(output: Path, run_id: str = RUN_ID) -> dict[str, Any]:
    return dict(json.loads((output / "_reports" / f"{run_id}.json").read_text()))


def page(output: Path, run_id: str = RUN_ID) -> str:
    return (output / "_reports" / f"{run_id}.html").read_text()


def names_in(output: Path) -> set[str]:
    return {path.name for path in (output / "_reports").iterdir()}


def test_record_page_and_index_are_written(tmp_path: Path, bundle_uri: str) -> None:
    found = published(tmp_path, bundle_uri)
    model_page = f"{found['model_id']}.html"
    assert names_in(tmp_path) == {f"{RUN_ID}.json", f"{RUN_ID}.html", "index.html", "nights.series", model_page}
    assert found["outcome"] == "committed" and found["counts"]["scored"] == 2
    assert found["report"]["seen"]["n"] == 2 and found["report"]["is_over_budget"] is False
    assert "OK: 2 photographs scored" in Page(page(tmp_path)).texts
    assert f"{RUN_ID}.html" in (tmp_path / "_reports" / "index.html").read_text()


def test_the_returned_content_equals_the_written_content(tmp_path: Path, bundle_uri: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = replace(commit_scores(model, SCORES), counts=Counts(listed=12, scored=2, failed=10))
    run = publish(model, record, ReportSettings())
    assert run.content == document(tmp_path)["report"] and run.content["is_over_budget"] is True
    assert "Too many failures" in page(tmp_path) and run.verdict == read_verdict(run.content["verdict"])
    assert read_series(layout_of(tmp_path))[0]["verdict"] == run.verdict.as_json()


def test_publishing_twice_counts_the_run_once(tmp_path: Path, bundle_uri: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, SCORES)
    for _ in range(2):
        publish(model, record, ReportSettings())
    assert [run["run_id"] for run in read_series(layout_of(tmp_path))] == [RUN_ID]
    assert Page((tmp_path / "_reports" / "index.html").read_text()).links[1:] == [f"{RUN_ID}.html"]


def test_drift_from_earlier_runs_is_a_warning(tmp_path: Path, bundle_uri: str) -> None:
    before = {f"{place}": (0.05, 0.9, 0.05) for place in range(200)}
    after = {f"{place}": (0.9, 0.05, 0.05) for place in range(200)}
    assert published(tmp_path, bundle_uri, 2, before)["warnings"] == []
    assert published(tmp_path, bundle_uri, 3, before)["warnings"] == []
    found = published(tmp_path, bundle_uri, 4, after)
    (warning,) = found["warnings"]
    index = max(found["report"]["drift"]["earlier"]["columns"].values())
    assert (
        warning.startswith(
            f"prediction drift (PSI {index:.2f}, limit 0.25, raised from 0.2 for few photographs, by --max-drift)"
        )
        and index > 0.2
    )
    assert warning in Page(page(tmp_path, "20260104T030405Z-00000000")).texts
    assert found["report"]["earlier"]["nights"] == 2
    # The night that drifted is no reference for the next one.
    found = published(tmp_path, bundle_uri, 5, before)
    assert found["warnings"] == [] and found["report"]["earlier"]["nights"] == 2


def test_runs_of_other_models_and_runs_that_scored_nothing_are_not_compared(tmp_path: Path, bundle_uri: str) -> None:
    published(tmp_path, bundle_uri, 2)
    other = model_run(tmp_path, bundle_uri, 3)
    record = replace(commit_scores(other, SCORES, model_id=OTHER_MODEL), model_id=OTHER_MODEL)
    assert publish(other, record, ReportSettings()).content["seen"]["n"] == 2
    killed = model_run(tmp_path, bundle_uri, 4)
    publish(killed, replace(commit_scores(killed, SCORES), outcome=KILLED), ReportSettings())
    assert published(tmp_path, bundle_uri, 5)["report"]["earlier"]["nights"] == 1


def test_a_run_is_compared_with_the_runs_just_before_it(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("melanoma.reporting.publish._EARLIER_RUNS", 2)
    for day, share in ((2, 0.0), (3, 0.25), (4, 0.75)):
        published(tmp_path, bundle_uri, day, {"a": (share, 1 - share, 0.0)})
    model = model_run(tmp_path, bundle_uri, 5)
    record = commit_scores(model, SCORES)
    published(tmp_path, bundle_uri, 6)
    earlier = publish(model, record, ReportSettings()).content["earlier"]
    histogram = earlier["histograms"]["p_melanoma"]
    assert (earlier["nights"], earlier["n"]) == (2, 2) and [histogram[place] for place in (0, 2, 7)] == [0.0, 0.5, 0.5]


def test_the_page_of_a_killed_run_is_added_by_the_next_one(tmp_path: Path, bundle_uri: str) -> None:
    write_record(layout_of(tmp_path), RunRecord(RUN_ID, "2026-01-02", "m-1", KILLED, Counts()))
    (tmp_path / "_reports" / "notes.json").write_text("{damaged")
    published(tmp_path, bundle_uri, 3)
    assert "The run was killed" in page(tmp_path) and "notes.html" not in names_in(tmp_path)


def test_an_existing_page_is_not_rewritten(tmp_path: Path, bundle_uri: str) -> None:
    published(tmp_path, bundle_uri)
    (tmp_path / "_reports" / f"{RUN_ID}.html").write_text("as it was")
    published(tmp_path, bundle_uri, 3)
    assert page(tmp_path) == "as it was"


def test_a_page_that_cannot_be_written_raises(tmp_path: Path, bundle_uri: str) -> None:
    (tmp_path / "_reports" / "index.html").mkdir(parents=True)
    with pytest.raises(NothingCommittedError, match="cannot be written"):
        published(tmp_path, bundle_uri)


@pytest.mark.parametrize("show_uris", [False, True])
def test_an_erased_photograph_is_removed_from_every_report(tmp_path: Path, bundle_uri: str, show_uris: bool) -> None:
    published(tmp_path, bundle_uri, show_uris=show_uris, list_suspicious=True)
    published(tmp_path, bundle_uri, 3, {"b": SCORES["b"]}, show_uris=show_uris)
    pseudonyms = Pseudonyms.of_table(layout_of(tmp_path))
    gone, kept = ({uri_of(name), pseudonyms.pseudonym(uri_of(name))} for name in ("a", "b"))
    assert forget(layout_of(tmp_path), gone) == 1
    text = json.dumps(document(tmp_path)) + page(tmp_path)
    assert not [name for name in gone if name in text] and [name for name in kept if name in text]
    assert [row["top_label"] for row in document(tmp_path)["report"]["sample"]["least_certain"]] == ["nevus"]
    assert forget(layout_of(tmp_path), gone) == 0


@pytest.mark.parametrize("show_uris", [False, True])
def test_an_erased_photograph_that_failed_is_removed_too(tmp_path: Path, bundle_uri: str, show_uris: bool) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, SCORES, {"broken": "corrupt", "cut": "truncated"})
    publish(model, record, ReportSettings(ReportOptions(show_uris)))
    pseudonyms = Pseudonyms.of_table(layout_of(tmp_path))
    gone, kept = ({uri_of(name), pseudonyms.pseudonym(uri_of(name))} for name in ("broken", "cut"))
    assert [name for name in gone if name in page(tmp_path)]
    assert forget(layout_of(tmp_path), gone) == 1
    text = json.dumps(document(tmp_path)) + page(tmp_path)
    assert not [name for name in gone if name in text] and [name for name in kept if name in text]
    assert [row["kind"] for row in document(tmp_path)["report"]["failed"]] == ["truncated"]


def published_shard(
    output: Path, bundle_uri: str, day: int, shard: str, run_id: str = "", scores: dict[str, Probabilities] = SCORES
) -> ReportedRun:
    """Commits and publishes the run of a shard, `1/2` at 3:04 and other ones at 3:05."""
    model = model_run(output, bundle_uri, day)
    run_id = run_id or f"202601{day:02}T030{'4' if shard == '1/2' else '5'}05Z-00000000"
    model = replace(model, run=replace(model.run, run_id=run_id, shard=Shard.parsed(shard)))
    record = replace(commit_scores(model, scores), shard=shard, other_waiting=7)
    write_record(layout_of(output), record)
    return publish(model, record, ReportSettings())


def test_a_shard_that_stays_away_is_a_warning_on_the_next_night(tmp_path: Path, bundle_uri: str) -> None:
    assert not published_shard(tmp_path, bundle_uri, 2, "1/2").verdict.reasons
    run = published_shard(tmp_path, bundle_uri, 3, "1/2")
    (reason,) = run.verdict.reasons
    assert (reason.event, run.verdict.exit_code, run.record.absent_shards) == (Event.WARNING, 0, ["2/2"])
    assert "no run of shard 2/2 (never)" in reason.text and "7 photographs of other shards" in reason.text
    assert reason.text in Page((tmp_path / "_reports" / "index.html").read_text()).text
    published_shard(tmp_path, bundle_uri, 3, "2/2")
    assert not published_shard(tmp_path, bundle_uri, 4, "1/2").verdict.reasons


def test_what_an_active_run_of_another_shard_has_recorded_is_shown_and_not_kept(
    tmp_path: Path, bundle_uri: str
) -> None:
    layout, other = layout_of(tmp_path), "20260102T030405Z-00000001"
    write_record(layout, RunRecord(other, "2026-01-02", "m-000000000001", KILLED, Counts(), shard="2/2"))
    with heartbeats.beating(layout, other, Shard(2, 2)):
        published_shard(tmp_path, bundle_uri, 2, "1/2")
        assert f"{other}.html" in (tmp_path / "_reports" / "index.html").read_text()
        assert [RUN_ID in line for line in (tmp_path / "_reports" / "nights.series").read_text().splitlines()] == [True]
        assert f"{other}.html" not in names_in(tmp_path)
    published_shard(tmp_path, bundle_uri, 3, "1/2")
    assert len((tmp_path / "_reports" / "nights.series").read_text().splitlines()) == 3
    assert f"{other}.html" in names_in(tmp_path)


def test_the_page_of_all_runs_names_a_run_that_ends_while_it_is_written(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, layout = "20260102T030405Z-00000001", layout_of(tmp_path)
    written = all_runs.write_index

    def write_then_end(*args: Any) -> None:
        written(*args)
        write_record(layout, RunRecord(late, "2026-01-02", "m-000000000001", KILLED, Counts(), shard="2/2"))

    monkeypatch.setattr(all_runs, "write_index", write_then_end)
    published_shard(tmp_path, bundle_uri, 2, "1/2")
    assert f"{late}.html" in (tmp_path / "_reports" / "index.html").read_text()


def test_a_shard_is_compared_with_earlier_nights_and_not_with_other_shards_of_its_own(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("melanoma.reporting.publish._EARLIER_RUNS", 1)
    for day in (2, 3):
        for shard in ("1/2", "2/2"):
            run = published_shard(tmp_path, bundle_uri, day, shard)
            assert run.content["earlier"]["nights"] == {2: 0, 3: 2}[day]
