"""What an operator does to a table in years: promote, delete, compact, clean up, forget."""

import io
import json
import os
import zlib
from pathlib import Path

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
from melanoma.table.forgotten import Forgotten
from tests.helpers import fill, refusing, write_tiny_bundle
from tests.helpers.nights import night, rows, start
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, failed, row

OLD, NEW = "m-000000000001", "m-000000000002"


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Two nights of an old model and one of a new one."""
    uri = tmp_path / "scores"
    commit(uri, [row("a"), failed("b")], run_id="20260101T000000Z-00000000")
    commit(uri, [row("c", run_id="20260102T000000Z-00000000")], run_id="20260102T000000Z-00000000")
    commit(uri, [row("a", model_id=NEW, run_id="20260103T000000Z-00000000")], run_id="20260103T000000Z-00000000")
    return str(uri)


def said_by(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["table", *words]) == 0
    return capsys.readouterr().out


def test_the_first_model_counts_until_another_one_is_promoted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    current = "SELECT DISTINCT model_id AS m FROM current"
    assert views.query(table_in(table), current)["m"].to_pylist() == [OLD]
    said_by(capsys, "promote", table, NEW)
    assert views.query(table_in(table), current)["m"].to_pylist() == [NEW]
    models = said_by(capsys, "models", table).splitlines()
    assert models[0].startswith(OLD) and "3 rows" in models[0] and not models[0].endswith("promoted")
    assert models[1].startswith(NEW) and models[1].endswith("promoted")


def test_an_unknown_model_cannot_be_promoted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "promote", table, "m-000000000009"]) == 2
    assert f"the table knows {OLD}, {NEW}" in capsys.readouterr().err


def test_a_night_that_planned_before_a_promotion_commits_all_the_same(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    night(tmp_path / "in", tmp_path / "out", bundle_uri, limit=1)
    planned = start(tmp_path / "out", bundle_uri)
    table_in(tmp_path / "out").promote(planned.model_id)
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri, run=planned)
    assert (record.counts.scored, record.counts.skipped) == (1, 1)
    assert len(rows(tmp_path / "out")) == 2 and table_in(tmp_path / "out").promoted() == planned.model_id


def test_a_bad_model_is_deleted_once_another_one_is_promoted(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    said_by(capsys, "promote", table, NEW)
    assert main(["table", "delete", table, "--model", NEW, "--yes"]) == 2
    assert "is the promoted model" in capsys.readouterr().err
    assert "3 rows of m-000000000001 would be deleted" in said_by(capsys, "delete", table, "--model", OLD)
    assert len(rows(table)) == 4
    said_by(capsys, "promote", table, OLD)
    assert "1 rows of m-000000000002 deleted" in said_by(capsys, "delete", table, "--model", NEW, "--yes")
    assert {found["model_id"] for found in rows(table)} == {OLD}


def test_a_night_scores_again_what_was_deleted(tmp_path: Path, bundle_uri: str) -> None:
    other = write_tiny_bundle(tmp_path / "other", seed=9)
    fill(tmp_path / "in", 2)
    for uri in (bundle_uri, other):
        night(tmp_path / "in", tmp_path / "out", uri)
    bad = start(tmp_path / "out", other).model_id
    assert table_in(tmp_path / "out").delete_model(bad) == 2
    assert night(tmp_path / "in", tmp_path / "out", other).counts.scored == 2


def test_history_tells_nights_from_upkeep(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    said_by(capsys, "promote", table, NEW)
    said_by(capsys, "compact", table)
    lines = said_by(capsys, "history", table).splitlines()
    assert "compacted" in lines[0] and f"promoted {NEW}" in lines[1]
    assert "night  20260103T000000Z-00000000  1 rows" in lines[2] and lines[-1].endswith("made")
    found = json.loads(said_by(capsys, "history", table, "--json"))
    assert [version["number"] for version in found] == list(range(len(found) - 1, -1, -1))


def test_compaction_changes_no_row_and_pays_once_there_are_many_files(tmp_path: Path) -> None:
    uri = str(tmp_path / "scores")
    for number in range(40):
        name = f"{number:02}"
        commit(uri, [row(name)], run_id=name)
        if table_in(uri).compact_if_it_pays(OLD):
            assert table_in(uri).small_files(OLD) == 1
            assert number == 31
    assert table_in(uri).small_files(OLD) == 9
    assert sorted(found["image_id"] for found in rows(uri)) == [f"DOE-{number:02}" for number in range(40)]
    assert not table_in(uri).compact_if_it_pays(NEW)


def files_of(uri: str) -> set[str]:
    return {path.name for path in Path(uri).glob("model_id=*/*.parquet")}


def test_clean_up_says_first_and_spares_what_is_young_or_not_of_the_table(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [Path(table, folder, "kept.parquet") for folder in ("_staging", "_reports", "_private")]
    others += [Path(table, name) for name in ("photos/a.jpg", "bundle/model.keras", "latest.parquet", "labels.csv")]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    said_by(capsys, "compact", table)
    before = files_of(table)
    assert said_by(capsys, "vacuum", table).startswith("0 files")
    assert said_by(capsys, "vacuum", table, "--yes").startswith("0 files") and files_of(table) == before
    assert main(["table", "vacuum", table, "--retention-days", "6"]) == 2
    assert "too short" in capsys.readouterr().err
    assert table_in(table).vacuum_at_once()[0] == 2
    assert len(files_of(table)) == len(before) - 2 and len(rows(table)) == 4
    assert all(path.exists() for path in others)


@pytest.mark.parametrize("words", [["history"], ["models"], ["promote", OLD], ["compact"], ["vacuum"]])
def test_a_table_that_is_not_there_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["table", words[0], str(tmp_path / "absent"), *words[1:]]) == 2
    assert "no score table there" in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()


def every_byte(folder: Path) -> bytes:
    """All that lies under a folder: names, bytes, and what Parquet and Arrow files hold once they are read."""
    found = [str(path.relative_to(folder)).encode() for path in folder.rglob("*")]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        found.append(data)
        if path.suffix == ".parquet":
            parquet = pq.ParquetFile(io.BytesIO(data))
            found += [str(parquet.read().to_pydict()).encode(), str(parquet.metadata.to_dict()).encode()]
        if path.suffix == ".arrow":
            found.append(str(pa.ipc.open_file(pa.BufferReader(data)).read_all().to_pydict()).encode())
        if data[:2] == b"\x1f\x8b":
            found.append(zlib.decompress(data, 47))
    return b"\n".join(found)


def patient(tmp_path: Path, bundle_uri: str) -> tuple[Path, list[str]]:
    """A table of several nights, with photographs of Jane Doe in rows, staged files and reports."""
    fill(tmp_path / "in", 6)
    for number, path in enumerate(sorted((tmp_path / "in").iterdir())[:3]):
        path.rename(path.with_name(f"DOE-JANE-{number}{path.suffix}"))
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    for number in range(2):
        assert main(["score", *words, "--show-uris", "--list-suspicious", "--rescore", "--limit", str(3 + number)]) == 0
    assert main(["score", *words]) == 0
    uris = [f"file://{path}" for path in sorted((tmp_path / "in").iterdir()) if "DOE" in path.name]
    killed = start(tmp_path / "out", bundle_uri)
    builder = staging.RowBuilder(killed, load_bundle(bundle_uri))
    ref = ImageRef(uris[0], "v2", 1, "DOE-JANE-0")
    builder.add_failed([Loaded(ref, error=PhotographError(ErrorKind.CORRUPT, "x"))])
    staging.write_chunk(killed, 0, builder.table())
    orphan = tmp_path / "out" / f"model_id={killed.model_id}" / "part-orphan.parquet"
    pq.write_table(pa.table({"image_uri": [uris[0]]}), orphan)  # of a run that was killed while it committed
    return tmp_path / "out", uris


def test_a_forgotten_patient_is_in_no_byte_under_the_output_and_never_comes_back(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, uris = patient(tmp_path, bundle_uri)
    assert b"DOE-JANE" in every_byte(out)
    others = [found for found in rows(out) if "DOE" not in found["image_id"]]
    (tmp_path / "uris.txt").write_text("\n".join([*uris, "", f"file://{tmp_path}/in/DOE-JANE-unknown.jpg"]))
    capsys.readouterr()
    said = said_by(capsys, "forget", str(out), "--uris", str(tmp_path / "uris.txt"))
    assert said.startswith("4 photographs forgotten") and "1 were not in the table" in said and "DOE" not in said
    assert b"DOE-JANE" not in every_byte(out)
    assert rows(out) == others
    record = night(tmp_path / "in", out, bundle_uri)
    assert (record.counts.scored, record.counts.skipped) == (0, 6)
    assert b"DOE-JANE" not in every_byte(out)
    assert table_in(out).promoted() is not None


def test_forgetting_twice_is_as_good_as_once(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, uris = patient(tmp_path, bundle_uri)
    (tmp_path / "uris.txt").write_text("\n".join(uris))
    Forgotten.add(layout_of(out), uris)  # it was killed after its first step
    for _ in range(2):
        said_by(capsys, "forget", str(out), "--uris", str(tmp_path / "uris.txt"))
        assert b"DOE-JANE" not in every_byte(out)


def test_nothing_is_forgotten_beside_a_night(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "uris.txt").write_text("file:///archive/DOE-a.jpg")
    with heartbeats.beating(layout_of(table), "20260101T000000Z-00000000"):
        assert main(["table", "forget", table, "--uris", str(tmp_path / "uris.txt")]) == 3
        assert main(["table", "vacuum", table, "--yes"]) == 3
        assert main(["table", "delete", table, "--model", NEW, "--yes"]) == 3
        with pytest.raises(NothingCommittedError, match="active"):
            heartbeats.refuse_beside_a_night(layout_of(table))
    assert len(rows(table)) == 4 and Forgotten.read(layout_of(table)) is None


def test_a_night_waits_while_somebody_is_forgotten(
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


def test_names_are_forgotten_as_they_are_spelt(tmp_path: Path, bundle_uri: str) -> None:
    names = ["DOE JANE\u2028.jpg", "DOE\x85JANE.jpg", " DOE-JANE .jpg", "other.jpg"]
    for path, name in zip(fill(tmp_path / "in", 4), names, strict=True):
        path.rename(path.with_name(name))
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(words) == 0
    uris = [f"file://{tmp_path}/in/{name}" for name in names[:3]]
    (tmp_path / "uris.txt").write_bytes("\r\n".join(uris).encode("utf-8-sig"))
    assert main(["table", "forget", str(tmp_path / "out"), "--uris", str(tmp_path / "uris.txt")]) == 0
    assert [row["image_id"] for row in rows(tmp_path / "out")] == ["other"]


@pytest.mark.parametrize("call", ["ls", "rm"])
def test_a_store_that_refuses_lets_nobody_believe_that_all_is_forgotten(
    tmp_path: Path,
    bundle_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    call: str,
) -> None:
    out, uris = patient(tmp_path, bundle_uri)
    (tmp_path / "uris.txt").write_text("\n".join(uris))
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, call, refusing("_staging", getattr(LocalFileSystem, call), PermissionError(13)))
        assert main(["table", "forget", str(out), "--uris", str(tmp_path / "uris.txt")]) == 3
    said = capsys.readouterr().err
    assert "forgotten" not in said and "DOE" not in said and "Traceback" not in said
    said_by(capsys, "forget", str(out), "--uris", str(tmp_path / "uris.txt"))
    assert b"DOE-JANE" not in every_byte(out)


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_list_that_names_nobody_is_a_mistake(
    table: str, tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "uris.txt").write_text(content)
    assert main(["table", "forget", table, "--uris", str(tmp_path / "uris.txt")]) == 2
    assert "one URI a line" in capsys.readouterr().err


def test_the_key_is_private_and_made_once(table: str) -> None:
    Forgotten.add(layout_of(table), ["file:///x"])
    key = Path(table, "_private", "key")
    first = key.read_bytes()
    Forgotten.add(layout_of(table), ["file:///y"])
    assert key.read_bytes() == first and key.stat().st_mode & 0o777 == 0o600
    forgotten = Forgotten.read(layout_of(table))
    assert forgotten is not None and "file:///x" in forgotten and "file:///z" not in forgotten and len(forgotten) == 2
