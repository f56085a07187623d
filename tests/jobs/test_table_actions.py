"""The maintenance of a table over the years: promotion, deletion, compaction, clean-up, erasure."""

import datetime
import io
import json
import os
import re
import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from jobs.cli import main
from melanoma.errors import ErrorKind, NothingCommittedError, PhotographError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import load_bundle
from melanoma.queries import views
from melanoma.runs import heartbeats, staging
from melanoma.runs.row_builder import RowBuilder
from melanoma.table.forgotten import Forgotten
from tests.helpers import fill, refusing
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import rows, run_once, start
from tests.helpers.score_rows import commit, failed, row

OLD, NEW = "m-000000000001", "m-000000000002"


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Two runs of an old model and one of a new one."""
    uri = tmp_path / "scores"
    commit(uri, [row("a"), failed("b")], run_id="20260101T000000Z-00000000")
    commit(uri, [row("c", run_id="20260102T000000Z-00000000")], run_id="20260102T000000Z-00000000")
    commit(uri, [row("a", model_id=NEW, run_id="20260103T000000Z-00000000")], run_id="20260103T000000Z-00000000")
    return str(uri)


def printed_by(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["table", *words]) == 0
    return capsys.readouterr().out


def test_the_first_model_is_current_until_another_one_is_promoted(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    current = "SELECT DISTINCT model_id AS m FROM current"
    assert views.query(table_in(table), current)["m"].to_pylist() == [OLD]
    printed_by(capsys, "promote", table, NEW)
    assert views.query(table_in(table), current)["m"].to_pylist() == [NEW]
    models = printed_by(capsys, "models", table).splitlines()
    assert models[0].startswith(OLD) and "3 rows" in models[0] and not models[0].endswith("promoted")
    assert models[1].startswith(NEW) and models[1].endswith("promoted")


def test_an_unknown_model_cannot_be_promoted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "promote", table, "m-000000000009"]) == 2
    assert f"the table has {OLD}, {NEW}" in capsys.readouterr().err


def test_models_go_by_the_names_of_their_bundles(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 1)
    out = str(tmp_path / "out")
    words = ["--images", str(tmp_path / "in"), "--output", out, "--bundle", bundle_uri, "--bundle", other_bundle_uri]
    assert main(["score", *words]) == 0
    assert "model     other (m-" in capsys.readouterr().out
    models = json.loads(printed_by(capsys, "models", out, "--json"))
    assert [(model["name"], model["is_promoted"], model["is_default"]) for model in models] == [
        ("tiny", True, True),
        ("other", False, False),
    ]
    first, second = (model["model_id"] for model in models)
    assert printed_by(capsys, "promote", out, "other").startswith(f"other ({second}) is promoted in table version")
    assert [line.split()[:2] for line in printed_by(capsys, "models", out).splitlines()] == [
        [first, "tiny"],
        [second, "other"],
    ]
    assert printed_by(capsys, "delete", out, "--model", "tiny", "--yes") == f"1 row of tiny ({first}) deleted\n"
    assert main(["table", "promote", out, "tiny"]) == 2
    assert f"no row of 'tiny'; the table has other ({second})" in capsys.readouterr().err


def test_a_run_that_planned_before_a_promotion_still_commits(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, limit=1)
    planned = start(tmp_path / "out", bundle_uri)
    table_in(tmp_path / "out").promote(planned.model_id)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=planned)
    assert (record.counts.scored, record.counts.skipped) == (1, 1)
    assert len(rows(tmp_path / "out")) == 2 and table_in(tmp_path / "out").promoted() == planned.model_id


def test_a_bad_model_is_deleted_once_another_one_is_promoted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed_by(capsys, "promote", table, NEW)
    assert main(["table", "delete", table, "--model", NEW, "--yes"]) == 2
    assert "is the promoted model" in capsys.readouterr().err
    assert "3 rows of m-000000000001 would be deleted" in printed_by(capsys, "delete", table, "--model", OLD)
    assert len(rows(table)) == 4
    printed_by(capsys, "promote", table, OLD)
    assert "1 row of m-000000000002 deleted" in printed_by(capsys, "delete", table, "--model", NEW, "--yes")
    assert {found["model_id"] for found in rows(table)} == {OLD}


def test_a_run_scores_again_what_was_deleted(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 1)
    for uri in (bundle_uri, other_bundle_uri):
        run_once(tmp_path / "in", tmp_path / "out", uri)
    bad = start(tmp_path / "out", other_bundle_uri).model_id
    deleted = printed_by(capsys, "delete", str(tmp_path / "out"), "--model", bad, "--yes")
    assert deleted == f"1 row of other ({bad}) deleted\n"
    assert run_once(tmp_path / "in", tmp_path / "out", other_bundle_uri).counts.scored == 1


def test_rows_of_old_runs_are_counted_then_deleted_and_stay_away_with_since(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    today = datetime.date.today()
    for path in fill(tmp_path / "in", 2):
        os.utime(path, (1e9, 1e9))
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main([*words, "--run-date", str(today - datetime.timedelta(401))]) == 0
    fill(tmp_path / "in", 1, first=2)
    assert main([*words, "--run-date", str(today - datetime.timedelta(400))]) == 0
    capsys.readouterr()
    before, delete = today - datetime.timedelta(400), ["delete", str(tmp_path / "out"), "--older-than", "400d"]
    counted = printed_by(capsys, *delete).splitlines()
    assert counted[0] == f"2 rows of runs before {before} would be deleted; run again with --yes"
    assert counted[1].startswith("2 photographs without a newer row: the next run scores them again if it still")
    assert f"--since {before}" in counted[1] and len(rows(tmp_path / "out")) == 3
    deleted = printed_by(capsys, *delete, "--yes").splitlines()
    assert deleted[0] == f"2 rows of runs before {before} deleted" and deleted[1] == counted[1]
    assert "vacuum" in deleted[2] and len(rows(tmp_path / "out")) == 1
    assert printed_by(capsys, *delete) == f"nothing to delete: there is no row of a run before {before}\n"
    assert main([*words, "--since", str(before)]) == 0 and len(rows(tmp_path / "out")) == 1
    assert main(words) == 0 and len(rows(tmp_path / "out")) == 3


def test_history_distinguishes_runs_from_maintenance(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed_by(capsys, "promote", table, NEW)
    printed_by(capsys, "compact", table)
    lines = printed_by(capsys, "history", table).splitlines()
    assert "compacted" in lines[0] and f"promoted {NEW}" in lines[1]
    assert "night  20260103T000000Z-00000000  1 row" in lines[2] and lines[-1].endswith("made")
    found = json.loads(printed_by(capsys, "history", table, "--json"))
    assert [version["number"] for version in found] == list(range(len(found) - 1, -1, -1))


def test_compaction_changes_no_row_and_pays_once_there_are_many_files(tmp_path: Path) -> None:
    uri = str(tmp_path / "scores")
    for number in range(34):
        name = f"{number:02}"
        commit(uri, [row(name)], run_id=name)
        if table_in(uri).compact_if_it_pays(OLD):
            assert table_in(uri).small_files(OLD) == 1
            assert number == 31
    assert table_in(uri).small_files(OLD) == 3
    assert sorted(found["image_id"] for found in rows(uri)) == [f"DOE-{number:02}" for number in range(34)]
    assert not table_in(uri).compact_if_it_pays(NEW)


def test_models_are_listed_with_their_rows_and_runs(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_by(capsys, "models", table).splitlines() == [
        f"{OLD}             3 rows, first run 20260102T000000Z-00000000, last run 20260102T030405Z-00000000, "
        "current (first model; none promoted)",
        f"{NEW}              1 row, first run 20260103T000000Z-00000000, last run 20260103T000000Z-00000000",
    ]
    found = json.loads(printed_by(capsys, "models", table, "--json"))
    assert [(model["model_id"], model["rows"]) for model in found] == [(OLD, 3), (NEW, 1)]


def test_a_deletion_without_consent_only_counts(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = table_in(table).version
    printed = printed_by(capsys, "delete", table, "--model", NEW)
    assert printed == f"1 row of {NEW} would be deleted; run again with --yes\n"
    assert main(["table", "delete", table, "--model", "m-unknown"]) == 2
    assert f"no row of 'm-unknown'; the table has {OLD}, {NEW}" in capsys.readouterr().err
    assert table_in(table).version == before and len(rows(table)) == 4


def test_compaction_says_how_many_files_it_merged(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_by(capsys, "compact", table) == "merged 2 files into 1\n"
    assert printed_by(capsys, "compact", table) == "nothing to merge\n"


def test_maintenance_leaves_no_heartbeat_even_if_it_fails(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed_by(capsys, "compact", table)
    assert main(["table", "delete", table, "--model", OLD, "--yes"]) == 2
    assert "is the promoted model" in capsys.readouterr().err
    assert heartbeats.active(layout_of(table)) == [] and not list(Path(table, "_active").glob("*.json"))


def files_of(uri: str) -> set[str]:
    return {path.name for path in Path(uri).glob("model_id=*/*.parquet")}


def test_clean_up_counts_first_and_keeps_recent_and_unrelated_files(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [Path(table, folder, "kept.parquet") for folder in ("_staging", "_reports", "_private")]
    others += [Path(table, name) for name in ("photos/a.jpg", "bundle/model.keras", "latest.parquet", "labels.csv")]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    printed_by(capsys, "compact", table)
    before = files_of(table)
    assert printed_by(capsys, "vacuum", table) == "nothing to delete\n"
    assert printed_by(capsys, "vacuum", table, "--yes") == "nothing to delete\n" and files_of(table) == before
    assert main(["table", "vacuum", table, "--retention-days", "6"]) == 2
    assert "too short" in capsys.readouterr().err
    assert table_in(table).vacuum_at_once()[0] == 2
    assert len(files_of(table)) == len(before) - 2 and len(rows(table)) == 4
    assert all(path.exists() for path in others)


def test_a_clean_up_deletes_only_with_consent(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    orphan = Path(table, f"model_id={OLD}", "part-orphan.parquet")  # of a run that was killed while it committed
    orphan.write_bytes(bytes(300_000))
    os.utime(orphan, (1, 1))
    assert printed_by(capsys, "vacuum", table) == (
        "1 file of 0.3 MB, replaced more than 7 days ago: would be deleted; run again with --yes\n"
    )
    assert orphan.exists()
    assert printed_by(capsys, "vacuum", table, "--yes") == (
        "1 file of 0.3 MB, replaced more than 7 days ago: deleted\n"
    )
    assert not orphan.exists() and len(rows(table)) == 4


def every_byte(folder: Path) -> bytes:
    """Returns everything under a folder: names, bytes, and the decoded contents of Parquet and Arrow files."""
    found = [str(path.relative_to(folder)).encode() for path in folder.rglob("*")]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        found.append(data)
        if path.suffix == ".parquet":
            parquet = pq.ParquetFile(io.BytesIO(data))
            found += [str(parquet.read().to_pydict()).encode(), str(parquet.metadata.to_dict()).encode()]
        if path.suffix == ".arrow":
            found.append(str(pa.ipc.open_stream(pa.py_buffer(data)[8:]).read_all().to_pydict()).encode())
        if data[:2] == b"\x1f\x8b":
            found.append(zlib.decompress(data, 47))
    return b"\n".join(found)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """Photographs of Jane Doe and others in `in`; in `out`, their rows, reports, a staged file and an orphaned one."""
    folder = tmp_path_factory.mktemp("archive")
    for number, path in enumerate(fill(folder / "in", 6)[:3]):
        path.rename(path.with_name(f"DOE-JANE-{number}{path.suffix}"))
    words = ["--images", str(folder / "in"), "--bundle", bundle_uri, "--output", str(folder / "out")]
    for number in range(2):
        assert main(["score", *words, "--show-uris", "--list-suspicious", "--rescore", "--limit", str(3 + number)]) == 0
    assert main(["score", *words]) == 0
    uri = f"file://{folder}/in/DOE-JANE-0.jpg"
    killed = start(folder / "out", bundle_uri)
    builder = RowBuilder(killed, load_bundle(bundle_uri))
    ref = ImageRef(uri, "v2", 1, "DOE-JANE-0")
    builder.add_failed([Loaded(ref, error=PhotographError(ErrorKind.CORRUPT, "x"))])
    staging.write_chunk(killed, 0, builder.table())
    orphan = folder / "out" / f"model_id={killed.model_id}" / "part-orphan.parquet"
    pq.write_table(pa.table({"image_uri": [uri]}), orphan)  # of a run that was killed while it committed
    return folder


class Patient(NamedTuple):
    """Jane Doe: an output with her photographs, their names, and a file that lists them."""

    output: Path
    uris: list[str]
    listed: Path


@pytest.fixture
def patient(archive: Path, tmp_path: Path) -> Patient:
    """A copy of the archive's output, from which she is erased."""
    uris = [f"file://{path}" for path in sorted((archive / "in").iterdir()) if "DOE" in path.name]
    (tmp_path / "uris.txt").write_text("\n".join(uris))
    output = shutil.copytree(archive / "out", tmp_path / "out")
    assert len(uris) == 3 and b"DOE-JANE" in every_byte(output)
    return Patient(output, uris, tmp_path / "uris.txt")


def test_a_forgotten_patient_is_in_no_byte_under_the_output_and_never_comes_back(
    archive: Path, patient: Patient, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [found for found in rows(patient.output) if "DOE" not in found["image_id"]]
    patient.listed.write_text("\n".join([*patient.uris, "", f"file://{archive}/in/DOE-JANE-unknown.jpg"]))
    assert main(["table", "forget", str(patient.output), "--uris", str(patient.listed), "--yes"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("4 photographs forgotten: ") and "1 not in the table" in captured.out
    assert captured.err.startswith("melanoma: warning: 1 of 4 names is not in the table. Check the spelling")
    assert "DOE" not in captured.out + captured.err
    assert b"DOE-JANE" not in every_byte(patient.output)
    assert rows(patient.output) == others
    record = run_once(archive / "in", patient.output, bundle_uri)
    assert (record.counts.scored, record.counts.skipped) == (0, 6)
    assert b"DOE-JANE" not in every_byte(patient.output)
    assert table_in(patient.output).promoted() is not None


def test_forgetting_without_consent_only_counts(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    names = [*patient.uris, "file:///archive/DOE-JANE-unknown.jpg"]
    patient.listed.write_text("\n".join(names))
    before = {path: path.read_bytes() for path in patient.output.rglob("*") if path.is_file()}
    hers = sum("DOE" in found["image_id"] for found in rows(patient.output))
    words = ["forget", str(patient.output), "--uris", str(patient.listed)]
    assert main(["table", *words]) == 0
    captured = capsys.readouterr()
    facts = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in captured.out.splitlines()[1:-1])
    assert captured.out.startswith("4 photographs would be forgotten\n")
    assert captured.out.endswith("nothing was changed; run again with --yes. It cannot be undone\n")
    assert "  in the table  3, and 1 not\n" in captured.out and "  bytes known   of 3, and not of 1\n" in captured.out
    assert (
        "1 of 4 names is not in the table" in captured.err
        and "1 of 4 photographs is remembered by name only" in captured.err
    )
    assert "DOE" not in captured.out + captured.err
    assert {path: path.read_bytes() for path in patient.output.rglob("*") if path.is_file()} == before
    done = printed_by(capsys, *words, "--yes")
    counts = [int(count) for count in re.findall(r"(\d+) (?:row|replaced|staged|report)", done)]
    assert counts == [int(facts[name]) for name in ("rows", "data files", "staged files", "reports")]
    assert counts[0] == hers and min(counts) > 0


def test_forgetting_twice_has_the_same_result_as_once(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    Forgotten.add(layout_of(patient.output), patient.uris)  # it was killed after its first step
    for _ in range(2):
        printed_by(capsys, "forget", str(patient.output), "--uris", str(patient.listed), "--yes")
        assert b"DOE-JANE" not in every_byte(patient.output)


def test_nothing_is_deleted_during_a_run(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "uris.txt").write_text("file:///archive/DOE-a.jpg")
    with heartbeats.beating(layout_of(table), "20260101T000000Z-00000000"):
        assert main(["table", "forget", table, "--uris", str(tmp_path / "uris.txt"), "--yes"]) == 3
        assert main(["table", "vacuum", table, "--yes"]) == 3
        assert main(["table", "delete", table, "--model", NEW, "--yes"]) == 3
        with pytest.raises(NothingCommittedError, match="active"):
            heartbeats.refuse_if_active(layout_of(table))
    assert len(rows(table)) == 4 and Forgotten.read(layout_of(table)) is None


def test_no_run_starts_during_an_erasure(
    table: str, tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 1)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", table]
    with heartbeats.beating(layout_of(table), "20260101T000000Z-forget"):
        assert main(words) == 3
        assert main(["table", "compact", table]) == 3
        assert "20260101T000000Z-forget is active" in capsys.readouterr().err
        beat = Path(table, "_active", "20260101T000000Z-forget.json")
        kept = beat.read_text()
    assert heartbeats.active(layout_of(table)) == []
    beat.write_text(kept.replace(str(os.getpid()), "4194303"))  # it was killed
    assert main(words) == 0
    assert not beat.exists() and not Path(table, "_reports", beat.name).exists()


def test_unusual_names_are_forgotten_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["DOE JANE\u2028.jpg", "DOE\x85JANE.jpg", " DOE-JANE .jpg", "other.jpg"]
    uris = [f"file:///archive/{name}" for name in names]
    commit(tmp_path / "out", [row(f"{number}", image_uri=uri) for number, uri in enumerate(uris)])
    (tmp_path / "uris.txt").write_bytes("\r\n".join(uris[:3]).encode("utf-8-sig"))
    printed = printed_by(capsys, "forget", str(tmp_path / "out"), "--uris", str(tmp_path / "uris.txt"), "--yes")
    assert printed.startswith("3 photographs forgotten: 3 rows") and "0 not in the table" in printed
    assert [found["image_uri"] for found in rows(tmp_path / "out")] == [uris[3]]


@pytest.mark.parametrize("call", ["ls", "rm"])
def test_an_erasure_that_the_store_refuses_is_never_reported_as_done(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    words = ["forget", str(patient.output), "--uris", str(patient.listed), "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, call, refusing("_staging", getattr(LocalFileSystem, call), PermissionError(13)))
        assert main(["table", *words]) in (2, 3)  # a folder that refuses to be listed needs a person
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "forgotten" not in captured.err and "DOE" not in captured.err and "Traceback" not in captured.err
    printed_by(capsys, *words)
    assert b"DOE-JANE" not in every_byte(patient.output)


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_list_without_names_is_an_error(
    table: str, tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "uris.txt").write_text(content)
    assert main(["table", "forget", table, "--uris", str(tmp_path / "uris.txt")]) == 2
    assert "one URI per line" in capsys.readouterr().err


def test_the_key_is_private_and_created_once(table: str) -> None:
    Forgotten.add(layout_of(table), ["file:///x"])
    key = Path(table, "_private", "key")
    first = key.read_bytes()
    Forgotten.add(layout_of(table), ["file:///y"])
    assert key.read_bytes() == first and key.stat().st_mode & 0o777 == 0o600
    forgotten = Forgotten.read(layout_of(table))
    assert forgotten is not None and "file:///x" in forgotten and "file:///z" not in forgotten and len(forgotten) == 2
