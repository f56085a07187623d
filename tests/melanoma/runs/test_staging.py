"""A row says what became of its photograph; a staged file is as it was written, or it is not there."""

import datetime
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, PhotographError, UsageError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs import staging
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run, new_run
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of

ROWS = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]], np.float32)
KEPT = pa.schema([("site", pa.string()), ("age", pa.int16())])


@pytest.fixture(scope="module")
def bundle(bundle_uri: str) -> Bundle:
    return load_bundle(bundle_uri)


@pytest.fixture
def run(tmp_path: Path, bundle: Bundle) -> Run:
    return new_run(layout_of(tmp_path), bundle, KEPT, None, datetime.date(2026, 1, 2))


def loaded(name: str, **facts: object) -> Loaded:
    ref = ImageRef(f"file:///in/{name}.jpg", f"version of {name}", 10, f"id of {name}", (f"site of {name}", 40), 3)
    return Loaded(ref, 600, 450, "ab" * 32)._replace(**facts)


def table_of(run: Run, bundle: Bundle, names: str = "ab") -> pa.Table:
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded(name) for name in names], ModelOutput(ROWS[: len(names)]))
    return builder.table()


def test_ids_of_runs_of_one_second_sort_by_time(tmp_path: Path, bundle: Bundle) -> None:
    ids = []
    for _ in range(20):
        ids.append(new_run(layout_of(tmp_path), bundle, KEPT, None, None).run_id)
        time.sleep(0.002)  # more than the millisecond that an id tells apart
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", run_id) for run_id in ids)


def test_a_scored_row_says_everything_of_its_photograph(run: Run, bundle: Bundle) -> None:
    before = datetime.datetime.now(datetime.UTC)
    table = table_of(run, bundle)
    assert table.schema.equals(score_schema(bundle.slugs, KEPT))
    first, second = table.to_pylist()
    assert before <= first.pop("scored_at") <= datetime.datetime.now(datetime.UTC)
    assert first == {
        "image_id": "id of a",
        "image_uri": "file:///in/a.jpg",
        "image_version": "version of a",
        "run_date": datetime.date(2026, 1, 2),
        "run_id": run.run_id,
        "status": "scored",
        "error_kind": None,
        "error": None,
        "attempt": 3,
        "width": 600,
        "height": 450,
        "image_sha256": "ab" * 32,
        "top_label": "melanoma",
        "top_probability": 0.5,
        "flag_melanoma": True,
        "review": None,
        "review_reason": None,
        "ood_score": None,
        "model_id": bundle.model_id,
        "p_melanoma": 0.5,
        "p_nevus": float(ROWS[0, 1]),
        "p_basal_cell_carcinoma": float(ROWS[0, 2]),
        "site": "site of a",
        "age": 40,
    }
    assert (second["top_label"], second["flag_melanoma"], second["site"]) == ("nevus", False, "site of b")


def test_a_failed_row_says_why_and_has_no_probability(run: Run, bundle: Bundle) -> None:
    builder = RowBuilder(run, bundle)
    nothing = {"width": None, "height": None, "sha256": None}
    builder.add_failed([loaded("a", error=PhotographError(ErrorKind.TRUNCATED, "cut"), width=600)])
    builder.add_failed([loaded("b", error=PhotographError(ErrorKind.TIMEOUT, "slow"), **nothing)])
    first, second = builder.table().to_pylist()
    assert (first["status"], first["error_kind"], first["error"]) == ("failed", "truncated", "cut")
    assert (second["width"], second["height"], second["image_sha256"]) == (None, None, None)
    for row in (first, second):
        assert {row[name] for name in row if name.startswith(("p_", "top_", "flag_"))} == {None}
        assert row["site"] and row["age"] == 40
    assert (builder.scored, builder.store_failures) == (0, 1)


def test_a_row_that_is_no_probability_fails_and_its_neighbours_do_not(run: Run, bundle: Bundle) -> None:
    rows = np.array([[0.2, 0.3, 0.5], [np.nan, 0.5, 0.5], [0.2, 0.3, 0.4], [-0.1, 0.6, 0.5], [0, 1, 0]], np.float32)
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded(name) for name in "abcde"], ModelOutput(rows))
    found = [(row["status"], row["error_kind"], row["p_nevus"]) for row in builder.table().to_pylist()]
    bad = ("failed", "bad_output", None)
    assert found == [("scored", None, pytest.approx(0.3)), bad, bad, bad, ("scored", None, 1.0)]
    assert (builder.scored, builder.store_failures) == (2, 0)


def test_without_a_threshold_there_is_no_flag(run: Run, bundle: Bundle) -> None:
    assert table_of(run, replace(bundle, thresholds={}))["flag_melanoma"].to_pylist() == [None, None]


def test_a_row_says_why_a_person_should_look(run: Run, bundle: Bundle) -> None:
    bundle = replace(bundle, thresholds={"review_below": 0.6, "ood_above": 0.5})
    builder = RowBuilder(run, bundle)
    rows = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], np.float32)
    builder.add_scored([loaded(name) for name in "abc"], ModelOutput(rows, np.array([0.25, 0.75, 0.125], np.float32)))
    found = [(row["review"], row["review_reason"], row["ood_score"]) for row in builder.table().to_pylist()]
    assert found == [(True, "uncertain", 0.25), (True, "unlike_training", 0.75), (False, None, 0.125)]


@pytest.mark.parametrize("ood", [np.nan, np.inf, -0.1, 1.1])
def test_an_ood_score_that_is_none_fails_its_photograph_alone(run: Run, bundle: Bundle, ood: float) -> None:
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded("a"), loaded("b")], ModelOutput(ROWS, np.array([ood, 0.5], np.float32)))
    found = [(row["status"], row["error_kind"], row["ood_score"]) for row in builder.table().to_pylist()]
    assert found == [("failed", "bad_output", None), ("scored", None, 0.5)]


def test_a_failure_without_its_error_is_a_defect(run: Run, bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="carries its error"):
        RowBuilder(run, bundle).add_failed([loaded("a")])


def test_a_staged_chunk_comes_back_as_it_was_written(run: Run, bundle: Bundle) -> None:
    table = table_of(run, bundle)
    staging.write_chunk(run, 7, table)
    staging.write_chunk(run, 7, table)
    staging.write_chunk(run, 8, table.slice(0, 0))
    first, second = staging.staged_files(run)
    assert first == staging.chunk_uri(run, 7) and second == staging.chunk_uri(run, 8)
    found = staging.read_chunk(first, run.schema)
    assert found is not None and found.equals(table) and found.schema.equals(run.schema)
    assert staging.staged_rows(first) == 2 and staging.staged_rows(second) == 0


def test_a_staged_chunk_that_is_not_as_it_was_written_is_not_there(run: Run, bundle: Bundle) -> None:
    uri = staging.chunk_uri(run, 0)
    assert staging.read_chunk(uri, run.schema) is None and staging.staged_rows(uri) == 0
    staging.write_chunk(run, 0, table_of(run, bundle))
    whole = storage.read_bytes(uri)
    other = score_schema(bundle.slugs)
    assert staging.read_chunk(uri, other) is None
    damaged = [b"", b"x", whole[:-1], whole[: len(whole) // 2], whole + b"\0", bytes(len(whole))]
    damaged += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 101)]
    for data in damaged:
        storage.write_bytes(uri, data)
        assert staging.read_chunk(uri, run.schema) is None and staging.staged_rows(uri) == 0
    storage.write_bytes(uri, whole)
    assert staging.read_chunk(uri, run.schema) is not None


def later(run: Run, run_id: str) -> Run:
    return replace(run, run_id=run_id)


def test_what_others_staged_is_given_without_what_may_have_healed(run: Run, bundle: Bundle) -> None:
    killed = later(run, "20260101T000000Z-aaaaaaaa")
    builder = RowBuilder(killed, bundle)
    builder.add_scored([loaded("scored")], ModelOutput(ROWS[:1]))
    for kind in ErrorKind:
        builder.add_failed([loaded(kind.value, error=PhotographError(kind, "for a test"))])
    staging.write_chunk(killed, 0, builder.table())
    staging.write_chunk(run, 0, table_of(run, bundle))
    (rows,) = staging.foreign_rows(run)
    expected = ["id of scored", *(f"id of {kind.value}" for kind in ErrorKind if not kind.may_heal)]
    assert rows["image_id"].to_pylist() == expected
    assert list(staging.foreign_rows(replace(run, fingerprint="0" * 16))) == []


def test_cleaning_spares_runs_of_any_model_that_started_within_a_week(run: Run, bundle: Bundle) -> None:
    now = later(run, "20260310T120000Z-00000000")
    ages = {"20260303T120001Z-11111111": True, "20260303T115959Z-22222222": False, "20260311T000000Z-33333333": True}
    for run_id in [*ages, now.run_id]:
        staging.write_chunk(later(run, run_id), 0, table_of(run, bundle))
    other_model = replace(later(run, "20260303T115959Z-44444444"), fingerprint="0" * 16)
    staging.write_chunk(other_model, 0, table_of(run, bundle))
    staging.announce(now, 5)
    staging.clean(now)
    assert staging.staged_files(other_model) == []
    left = {uri.rsplit("/", 2)[1] for run_id in ages for uri in staging.staged_files(later(run, run_id))}
    assert left == {run_id for run_id, kept in ages.items() if kept}
    assert staging.staged_files(now) == [] and staging.announced(now) is None


def test_how_many_photographs_a_run_scores_is_announced(run: Run) -> None:
    assert staging.announced(run) is None
    staging.announce(run, 1234)
    assert staging.announced(run) == 1234
    assert staging.staged_files(run) == []


def test_the_fingerprint_parts_what_must_not_be_adopted(tmp_path: Path, bundle: Bundle, other_bundle_uri: str) -> None:
    def fingerprint(model: Bundle, kept: pa.Schema) -> str:
        return new_run(layout_of(tmp_path), model, kept, None, None).fingerprint

    alone = fingerprint(bundle, pa.schema([]))
    assert fingerprint(bundle, pa.schema([])) == alone and len(alone) == 16
    others = {fingerprint(bundle, KEPT), fingerprint(load_bundle(other_bundle_uri), pa.schema([]))}
    assert len({alone, *others}) == 3


def test_staged_rows_are_no_rows_of_the_table(run: Run, bundle: Bundle) -> None:
    staging.write_chunk(run, 0, table_of(run, bundle))
    assert ScoreTable.open(run.layout).version is None
    with pytest.raises(UsageError, match="no score table there"):
        ScoreTable.open(run.layout).dataset()
