"""Resuming a killed run: its staged rows are committed where they can be trusted, and only there."""

import dataclasses
import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import kept_schema, list_images
from melanoma.model.bundle import load_bundle
from melanoma.model.engine_names import ONNX_RUNTIME, OPENVINO
from melanoma.runs import staging
from melanoma.runs.announcement import Announcement, announce
from melanoma.runs.commit import end_run
from melanoma.runs.digests import PackedDigests
from melanoma.runs.ledger import State, load_ledgers
from melanoma.runs.records import Counts
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run, new_run
from melanoma.runs.run_totals import RunTotals
from tests.helpers import fill, photograph
from tests.helpers.faults import killed, plan_run, run_without_beam, stage
from tests.helpers.outputs import layout_of
from tests.helpers.pipeline_runs import assert_one_row_each, committed, leftovers, rows, run_once
from tests.helpers.planned_runs import adoption_keys


def test_staged_rows_are_resumed_by_photograph_whatever_their_chunk(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 7)
    for size in (3, 5):
        killed(tmp_path / "in", tmp_path / "out", bundle_uri, size)
    fill(tmp_path / "in", 2, first=7)
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri, chunk_size=4)
    assert_one_row_each(tmp_path / "out", 9, record)
    assert (record.adopted, record.counts.scored) == (7, 9)
    assert {row["run_id"] for row in rows(tmp_path / "out")} == {record.run_id}


def test_what_another_engine_staged_is_scored_again_and_nothing_is_lost(tmp_path: Path, bundle_uri: str) -> None:
    """Another `--engine` was chosen after the run was killed."""
    fill(tmp_path / "in", 3)
    bundle, date, made = load_bundle(bundle_uri), datetime.date(2026, 1, 2), dict[str, Run]()
    for engine in (ONNX_RUNTIME, OPENVINO):
        made[engine] = new_run(layout_of(tmp_path / "out"), bundle, pa.schema([]), None, date, engine)
    stage(made[ONNX_RUNTIME], tmp_path / "in", bundle_uri)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, made[OPENVINO], engine=OPENVINO)
    assert_one_row_each(tmp_path / "out", 3, record)
    assert (record.adopted, record.counts.scored) == (0, 3) and record.engine == made[OPENVINO].engine
    left = leftovers(tmp_path / "out", made[ONNX_RUNTIME])  # until a week has passed
    assert {"000000.arrow", "000001.arrow"} <= set(left)


def test_rows_of_a_manifest_that_was_corrected_since_are_scored_again(tmp_path: Path, bundle_uri: str) -> None:
    """The manifest had two patients mixed up when the run was killed."""
    first, second, third = fill(tmp_path / "in", 3)
    bundle, listed = load_bundle(bundle_uri), tmp_path / "m.csv"
    source = Manifest(str(listed), ("patient",))

    def planned() -> Run:
        return new_run(layout_of(tmp_path / "out"), bundle, kept_schema([source]), None, datetime.date(2026, 1, 2))

    unchanged = [f"{third},3,C"]
    listed.write_text("\n".join(["uri,image_id,patient", f"{first},1,A", f"{second},2,B", *unchanged]))
    stage(planned(), source, bundle_uri)
    listed.write_text("\n".join(["uri,image_id,patient", f"{first},2,B", f"{second},1,A", *unchanged]))
    run = planned()
    record = end_run(run, *stage(run, source, bundle_uri))
    assert (record.adopted, record.counts.scored) == (1, 3)
    found = {(storage.name_of(row["image_uri"]), row["image_id"], row["patient"]) for row in rows(tmp_path / "out")}
    assert found == {(first.name, "2", "B"), (second.name, "1", "A"), (third.name, "3", "C")}


def test_of_two_staged_rows_the_one_that_matches_the_manifest_is_resumed(tmp_path: Path, bundle_uri: str) -> None:
    """A run was killed, the manifest corrected, and the next run killed as well."""
    (photo,) = fill(tmp_path / "in", 1)
    bundle, listed = load_bundle(bundle_uri), tmp_path / "m.csv"
    source = Manifest(str(listed), ("patient",))
    for patient in ("A", "B"):
        listed.write_text(f"uri,image_id,patient\n{photo},1,{patient}\n")
        for _ in range(2):  # each manifest has two killed runs; the very last run commits
            run = new_run(layout_of(tmp_path / "out"), bundle, kept_schema([source]), None, datetime.date(2026, 1, 2))
            plan, chunks = stage(run, source, bundle_uri)
    record = end_run(run, plan, chunks)
    assert (record.adopted, record.counts.scored) == (1, 1)
    assert [row["patient"] for row in rows(tmp_path / "out")] == ["B"]


def damage(kind: str, data: bytes) -> bytes:
    middle = len(data) // 2
    return {
        "empty": b"",
        "truncated": data[:-100],
        "without its end": data[:-32],
        "a flipped bit in a value": data[: middle + 700] + bytes([data[middle + 700] ^ 1]) + data[middle + 701 :],
        "a flipped bit in the header": data[:40] + bytes([data[40] ^ 64]) + data[41:],
        "foreign": b"PAR1" + 200 * b"x",
        "twice": data + data,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated",
        "without its end",
        "a flipped bit in a value",
        "a flipped bit in the header",
        "foreign",
        "twice",
    ],
)
def test_a_damaged_staged_file_is_never_resumed(tmp_path: Path, bundle_uri: str, kind: str) -> None:
    fill(tmp_path / "in", 4)
    _, files = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    files[0].write_bytes(damage(kind, files[0].read_bytes()))
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 4, record)
    assert record.adopted == 2


def test_a_staged_file_with_any_flipped_bit_is_unusable(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run, (file,) = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    data = file.read_bytes()
    for place in range(0, len(data), 5):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        assert staging.read_chunk(run, str(file)) is None
    file.write_bytes(data)
    assert staging.read_chunk(run, str(file)).num_rows == 2


def test_a_staged_file_with_other_columns_is_never_resumed(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run, (file,) = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    staging.write_chunk(run, 0, staging.read_chunk(run, str(file)).drop_columns(["ood_score"]))
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.scored) == (0, 2)


def test_rows_of_another_model_are_never_resumed_even_from_a_file_in_the_wrong_place(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 2)
    run = plan_run(tmp_path / "out", bundle_uri)
    stage(dataclasses.replace(run, model_id="m-000000000000"), tmp_path / "in", bundle_uri)
    assert len(staging.staged_files(run)) == 1
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.scored) == (0, 2)
    assert {row["model_id"] for row in rows(tmp_path / "out")} == {run.model_id}


def test_another_model_finds_nothing_to_resume(tmp_path: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    killed(tmp_path / "in", tmp_path / "out", other_bundle_uri)
    assert run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri).adopted == 0


def test_only_failures_that_cannot_heal_are_resumed(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"GIF89a")
    (tmp_path / "in" / "late.jpg").write_bytes(photograph(8))
    for root in (f"failing://{tmp_path / 'in'}", str(tmp_path / "in")):
        stage(plan_run(tmp_path / "out", bundle_uri), root, bundle_uri)
    known = load_ledgers([plan_run(tmp_path / "out", bundle_uri)])[0]
    refs = list(list_images(Root(str(tmp_path / "in"))))
    assert {verdict.state for verdict in known.look_up(refs)} == {State.STAGED}
    refs = list(list_images(Root(f"failing://{tmp_path / 'in'}")))
    assert {verdict.state for verdict in known.look_up(refs)} == {State.NEW}
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.failed) == (3, 1)


class ShyFileSystem(LocalFileSystem):  # type: ignore[misc]
    """A store that returns files but no information about them: shy://path."""

    protocol = "shy"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix("shy://")

    def info(self, path: str, **options: object) -> dict[str, Any]:
        raise OSError(5, "Input/output error")


def test_a_photograph_without_a_version_is_not_scored(tmp_path: Path, bundle_uri: str) -> None:
    fsspec.register_implementation("shy", ShyFileSystem, clobber=True)
    (path,) = fill(tmp_path / "in", 1)
    (tmp_path / "manifest.csv").write_text(f"uri\nshy://{path}\n")
    run = plan_run(tmp_path / "out", bundle_uri)
    stage(run, Manifest(str(tmp_path / "manifest.csv")), bundle_uri)
    staged = staging.read_chunk(run, staging.staged_files(run)[0])
    assert staged is not None and staged["status"].to_pylist() == ["failed"]


def test_staged_rows_of_vanished_photographs_are_not_committed(tmp_path: Path, bundle_uri: str) -> None:
    first, *_ = fill(tmp_path / "in", 3)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    first.unlink()
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 2, record)
    assert record.adopted == 2


def test_a_photograph_overwritten_after_it_was_staged_is_scored_again(tmp_path: Path, bundle_uri: str) -> None:
    first, *_ = fill(tmp_path / "in", 3)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    before = digest_of(*next((ref.uri, ref.version) for ref in list_images(Root(str(first)))))
    first.write_bytes(photograph(77, height=50))
    record = run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 3, record)
    assert record.adopted == 2
    row = rows(tmp_path / "out")[0]
    assert row["height"] == 50 and digest_of(row["image_uri"], row["image_version"]) != before


def test_a_staged_file_that_vanishes_between_plan_and_commit_prevents_the_commit(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 4)
    _, files = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    files[0].unlink()
    with pytest.raises(NothingCommittedError, match="4 rows were staged, 2 are still there"):
        end_run(run, plan, chunks)
    assert committed(tmp_path / "out") == 0
    assert_one_row_each(tmp_path / "out", 4, run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri))


def test_a_photograph_that_one_worker_scored_and_another_resumed_has_one_row(tmp_path: Path, bundle_uri: str) -> None:
    """It was listed twice, and its staged row appeared between the two lookups."""
    (path,) = fill(tmp_path / "in", 1)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    (ref,) = list_images(Root(str(path)))
    plan = dataclasses.replace(plan, listed=2, adopted=adoption_keys([ref]))
    record = end_run(run, plan, chunks)
    assert record.counts == Counts(listed=2, scored=1, duplicates=1)
    assert committed(tmp_path / "out") == 1


def test_a_digest_that_ends_in_a_zero_byte_is_found(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    (first,) = list_images(Root(str(tmp_path / "in")))
    names = (f"{index}.jpg" for index in range(100000))
    uris = (f"file://{tmp_path}/in/{name}" for name in names)
    version = first.version
    uri = next(uri for uri in uris if digest_of(uri, version).endswith(b"\0"))
    (tmp_path / "in" / "lesion-0000.jpg").rename(uri.removeprefix("file://"))
    assert run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=1, scored=1)
    assert run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=1, skipped=1)


def test_staged_files_of_other_runs_are_removed_after_a_week_and_only_by_a_commit(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 2)
    run = plan_run(tmp_path / "out", bundle_uri)
    young, old = others = [dataclasses.replace(run, run_id=run_id_of(hours)) for hours in (7 * 24 - 1, 7 * 24 + 1)]
    for other in others:
        announce(other, Announcement(2))
        staging.write_chunk(other, 0, RowBuilder(other, load_bundle(bundle_uri)).table())
    foreign = Path(storage.local_path(run.staging) or "").with_name("0 notes of an operator")
    foreign.mkdir()
    (foreign / "mine.arrow").write_bytes(b"x")
    with pytest.raises(NothingCommittedError):
        end_run(run, RunTotals(listed=5, skipped=0, deferred=0, adopted=PackedDigests(), ignored=Counter()), [])
    assert len(leftovers(tmp_path / "out", old)) == 3
    run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert not leftovers(tmp_path / "out", old)
    assert len(leftovers(tmp_path / "out", young)) == 3
    assert (foreign / "mine.arrow").exists()


def run_id_of(hours_ago: int) -> str:
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours_ago)
    return f"{then:%Y%m%dT%H%M%SZ}-0123abcd"
