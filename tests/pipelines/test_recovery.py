"""How a run ends: its exit code, its record, and what its output must not contain."""

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jobs.cli import main
from melanoma.errors import NothingCommittedError
from melanoma.json_values import to_json
from melanoma.runs.heartbeats import Heartbeat
from melanoma.runs.records import Counts, RunRecord
from melanoma.runs.run_history import read_series, write_series
from melanoma.storage import filesystems
from melanoma.table import score_table
from tests.helpers import ROOT, faults, fill, photograph, refusing
from tests.helpers.faults import killed, plan_run, run_without_beam
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows


def score_words(tmp_path: Path, bundle_uri: str) -> list[str]:
    """Returns the command that scores `in` into `out`."""
    return ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]


def test_every_ended_run_leaves_a_record_and_the_exit_code_fits(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    failing = ["score", "--images", f"failing://{tmp_path / 'in'}", *words]
    assert [main(failing), main(["score", "--images", str(tmp_path / "in"), *words])] == [3, 0]
    assert main(["score", "--images", str(tmp_path / "in"), *words]) == 0
    outcomes = [json.loads(path.read_text())["outcome"] for path in (tmp_path / "out" / "_reports").glob("*.json")]
    assert sorted(outcomes) == ["committed", "nothing_new", "store_down"]
    assert capsys.readouterr().out.count("Run 2") == 6


def test_a_record_that_cannot_be_written_is_reported_and_a_second_start_succeeds(
    tmp_path: Path, bundle_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    words = score_words(tmp_path, bundle_uri)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_reports").write_text("in the way")
    assert main(words) == 3
    said = capfd.readouterr().err
    assert "the rows are committed as version 1, but the run's record is not" in said
    assert "while running" not in said.splitlines()[-1]
    (tmp_path / "out" / "_reports").unlink()
    assert main(words) == 0
    assert_one_row_each(tmp_path / "out", 2)


def test_a_store_that_refuses_every_write_is_reported_without_a_secret(
    tmp_path: Path, bundle_uri: str, bucket: str
) -> None:
    fill(tmp_path / "in", 1)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", f"{bucket}/out"]
    with faults.s3_server(before=lambda method, path: True) as address:
        environment = faults.s3_environment(address) | {"AWS_SECRET_ACCESS_KEY": "CANARY-SECRET"}
        job = faults.start(faults.job_at, environment, tmp_path / "log", words)
        job.join(60)
    said = (tmp_path / "log").read_text()
    assert job.exitcode == 3 and "cannot be written" in said and "CANARY" not in said


def test_metadata_secrets_and_names_stay_out_of_output_logs_and_files(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-SECRET")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sig=CANARY-SECRET")
    store, output = tmp_path / "in", tmp_path / "out"
    store.mkdir()
    files = {"scored.jpg": marked("JPEG"), "broken.jpg": marked("JPEG")[:-40], "scored.png": marked("PNG")}
    for name, data in files.items():
        assert b"DOE^JANE" in data
        (store / f"JANE-DOE-{name}").write_bytes(data)
    caplog.set_level("DEBUG")
    words = ["--images", str(store), "--bundle", bundle_uri, "--output", str(output)]
    assert main(["score", *words]) == 0
    killed(store, tmp_path / "staged", bundle_uri)
    (store / "JANE-DOE-late.jpg").write_bytes(photograph(9))
    assert main(["score", *words]) == 0
    table_in(output).compact()
    said = capfd.readouterr()
    texts = [said.out, said.err, caplog.text, str(rows(output)), *(str(path) for path in output.rglob("*"))]
    staged = [path.read_bytes() for path in (tmp_path / "staged").rglob("*.arrow")]
    everything = [
        *map(str.encode, texts),
        *staged,
        *(path.read_bytes() for path in output.rglob("*") if path.is_file()),
    ]
    assert len(staged) == 2 and {row["status"] for row in rows(output)} == {"scored", "failed"}
    assert not [data for data in everything if b"DOE^JANE" in data or b"CANARY" in data]
    nameless = [said.out, *(path.read_text() for path in output.rglob("*.json"))]
    assert len(nameless) == 7 and not [text for text in nameless if "JANE" in text]


def marked(format: str) -> bytes:
    """Returns a photograph with a patient's name in its metadata."""
    drawn = Image.open(io.BytesIO(photograph(3)))
    exif, text = Image.Exif(), PngInfo()
    exif[0x010E] = exif[0x9286] = "DOE^JANE"
    text.add_text("Patient", "DOE^JANE")
    sink = io.BytesIO()
    drawn.save(sink, format, exif=exif, pnginfo=text, comment=b"DOE^JANE")
    return sink.getvalue()


def test_a_manifest_on_a_store_that_is_down_ends_the_run_with_3(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    (tmp_path / "manifest.csv").write_text("uri\n")
    words = ["--manifest", f"failing://{tmp_path / 'manifest.csv'}", "--bundle", bundle_uri]
    assert main(["score", *words, "--output", str(tmp_path / "out")]) == 3


def test_a_run_that_ends_early_leaves_its_record(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    run = plan_run(tmp_path / "out", bundle_uri)
    in_the_way = tmp_path / "out" / "_staging" / run.fingerprint
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder should be")
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *words]) == 3
    (record,) = (tmp_path / "out" / "_reports").glob("*.json")
    assert json.loads(record.read_text())["outcome"] == "stopped"


def test_one_photograph_that_the_store_refuses_becomes_a_row(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 3)
    words = score_words(tmp_path, bundle_uri)
    assert main(words) == 0
    fill(tmp_path / "in", 1, first=3)
    forbidden = refusing("0003", LocalFileSystem.cat_file, PermissionError(13, "Permission denied"))
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "cat_file", forbidden)
        assert main(words) == 0
    assert [row["error_kind"] for row in rows(tmp_path / "out")] == [None, None, None, "forbidden"]
    assert main([*words, "--retry-failed"]) == 0
    assert_one_success_each(tmp_path / "out", 4)


def assert_one_success_each(output: Path, photographs: int) -> None:
    assert sum(row["status"] == "scored" for row in rows(output)) == photographs


def test_ten_photographs_that_the_store_refuses_mean_that_it_is_down(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 1)
    words = score_words(tmp_path, bundle_uri)
    assert main(words) == 0
    fill(tmp_path / "in", 10, first=1)
    monkeypatch.setattr(LocalFileSystem, "cat_file", refusing("/in/", LocalFileSystem.cat_file, PermissionError(13)))
    assert main(words) == 3
    assert committed(tmp_path / "out") == 1


@pytest.mark.parametrize("outcome", ["stopped", None])
def test_a_run_that_was_ended_after_its_commit_is_recorded_as_committed(
    tmp_path: Path, bundle_uri: str, outcome: str | None
) -> None:
    """Its record is the one that a signal left during the commit, or there is none."""
    fill(tmp_path / "in", 3)
    words = score_words(tmp_path, bundle_uri)
    assert main(words) == 0
    reports, active = tmp_path / "out" / "_reports", tmp_path / "out" / "_active"
    (record,) = reports.glob("*.json")
    whole = json.loads(record.read_text())
    for path in reports.iterdir():
        path.unlink()
    if outcome:
        nothing = RunRecord(whole["run_id"], whole["run_date"], whole["model_id"], outcome, Counts())
        record.write_bytes(to_json(asdict(nothing)))
        write_series(layout_of(tmp_path / "out"), read_series(layout_of(tmp_path / "out")))
        (reports / f"{whole['run_id']}.html").write_text("nothing was committed")
    else:
        dead = Heartbeat(whole["run_id"], "2026-01-01T00:00:00+00:00", "elsewhere", 1, "")
        active.mkdir(exist_ok=True)
        (active / record.name).write_bytes(dead.to_json())
    assert main(words) == 0
    found = json.loads(record.read_text())
    assert (found["outcome"], found["counts"]["scored"], found["model_id"]) == ("committed", 3, whole["model_id"])
    assert (found["classes"], found["table_version"]) == (whole["classes"], whole["table_version"])
    nights = {night["run_id"]: night["outcome"] for night in read_series(layout_of(tmp_path / "out"))}
    assert nights[whole["run_id"]] == "committed"
    assert "nothing was committed" not in (reports / f"{whole['run_id']}.html").read_text()


def test_a_run_goes_on_when_nobody_reads_its_output(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    words = score_words(tmp_path, bundle_uri)
    listener, speaker = os.pipe()
    os.close(listener)
    root = ROOT
    done = subprocess.run([sys.executable, "-m", "jobs.cli", *words], cwd=root, stdout=speaker, timeout=120)
    os.close(speaker)
    assert done.returncode == 0
    assert_one_row_each(tmp_path / "out", 2)
    assert list((tmp_path / "out" / "_reports").glob("2*.html"))


@pytest.mark.parametrize(
    "text",
    [
        'uri,note\n/in/DOE_JANE.jpg,"Doe, Jane",1970-01-01\n',
        "uri,note\n/in/a.jpg,x\n/in/b.jpg?X-Amz-Signature=SECRET-DOE\n",
    ],
)
def test_a_faulty_manifest_is_reported_without_its_values(
    tmp_path: Path, bundle_uri: str, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "m.csv").write_text(text)
    (tmp_path / "tell.sh").write_text(f'#!/bin/sh\nfor word; do echo "$word"; done >> {tmp_path}/told\n')
    (tmp_path / "tell.sh").chmod(0o755)
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out"), "--notify-command", str(tmp_path / "tell.sh")]
    assert main(["score", "--manifest", str(tmp_path / "m.csv"), *words]) == 2
    told = (tmp_path / "told").read_text() + "".join(capfd.readouterr())
    assert "Expected 2 columns, got" in told
    assert "DOE" not in told and "Doe" not in told and "1970" not in told


@pytest.mark.parametrize("name", ["res[2026]", "res%20x", "a|b", "a^b", "back\\slash"])
def test_an_output_that_delta_lake_cannot_address_is_refused(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fill(tmp_path / "in", 1)
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / name / "scores")]
    assert main(["score", *words]) == 2
    assert "choose another --output" in capsys.readouterr().err


def test_other_odd_outputs_are_accepted(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    output = tmp_path / "mit 50% #Ü? o'x; DROP TABLE" / "scores"
    assert main(["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(output)]) == 0
    assert_one_row_each(output, 1)


def test_files_of_the_output_are_not_photographs(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    words = ["--images", str(tmp_path / "in"), "--pattern", "*", "--bundle", bundle_uri]
    for _ in range(2):
        assert main(["score", *words, "--output", str(tmp_path / "in" / "scores")]) == 0
    assert_one_row_each(tmp_path / "in" / "scores", 2)


def test_a_folder_without_permission_is_a_mistake_that_names_its_root(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in" / "fine", 1)
    for folder in ("lost+found", "DOE_JANE"):
        (tmp_path / "in" / folder).mkdir()
        monkeypatch.setattr(LocalFileSystem, "ls", refusing(f"/{folder}", LocalFileSystem.ls, PermissionError(13)))
        code = main(
            ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
        )
        assert code == (0 if folder == "lost+found" else 2)
    said = capsys.readouterr().err
    assert f"{tmp_path / 'in'}: permission denied for it or a folder below it" in said
    assert "DOE" not in said and "Traceback" not in said


def test_the_report_of_a_refused_run_says_why(tmp_path: Path, bundle_uri: str) -> None:
    paths = fill(tmp_path / "in", 25)
    words = score_words(tmp_path, bundle_uri)
    assert main(words) == 0
    for path in paths:
        os.utime(path, (1, 1))
    assert main([*words, "--dry-run"]) == 2
    assert main(words) == 2
    newest = max((tmp_path / "out" / "_reports").glob("2*.html"))
    assert "changed their version at once" in newest.read_text() and "--rescore" in newest.read_text()


def test_a_dry_run_respects_the_limit(tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "in", 5)
    words = score_words(tmp_path, bundle_uri)
    assert main([*words, "--limit", "2", "--dry-run"]) == 0
    assert "Would score 2 of 5" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["damaged", "gone"])
def test_a_damaged_or_missing_data_file_is_named(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    fill(tmp_path / "in", 2)
    words = score_words(tmp_path, bundle_uri)
    assert main(words) == 0
    (file,) = (tmp_path / "out").glob("model_id=*/*.parquet")
    file.write_bytes(b"junk" * 1000)
    if what == "gone":
        file.unlink()
    assert main(words) == 2
    assert main(["query", str(tmp_path / "out"), "SELECT 1 FROM latest"]) in (2, 3)
    said = capsys.readouterr().err
    assert what in said and file.name in said and "Traceback" not in said


def test_a_row_of_a_manifest_with_an_unknown_store_fails_by_itself(tmp_path: Path, bundle_uri: str) -> None:
    (path,) = fill(tmp_path / "in", 1)
    (tmp_path / "m.csv").write_text(f"uri\nzip://x::foo://b\n{path}\n")
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", "--manifest", str(tmp_path / "m.csv"), *words]) == 0
    assert {row["error_kind"] for row in rows(tmp_path / "out")} == {None, "bad_name"}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_damaged_archive_is_a_mistake(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (tmp_path / "in").write_bytes(b"not an archive, but long enough to be searched for its end" * 20)
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", "--images", f"{kind}://{tmp_path / 'in'}", *words]) == 2
    assert "damaged" in capsys.readouterr().err


def test_delta_lakes_own_text_about_a_failed_commit_is_not_passed_on(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError("https://store/x?X-Amz-Signature=CANARY")

    fill(tmp_path / "in", 1)
    monkeypatch.setattr(score_table, "commit_files", refuse)
    with pytest.raises(NothingCommittedError) as caught:
        run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert "CANARY" not in str(caught.value)
