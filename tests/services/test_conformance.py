"""What every store has to do, by the commands that its users call: the same tests for a disk, S3, GCS and Azure."""

import io
import itertools
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma import storage
from melanoma.errors import ReadError
from melanoma.runs.records import RunRecord
from melanoma.runs.run_history import recorded_runs
from melanoma.runs.stored_records import stored_record
from tests.helpers import ROOT, faults, photograph
from tests.helpers.faults import run_without_beam
from tests.helpers.odd_names import NAMES
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows
from tests.helpers.races import assert_each_photograph_once, prepared
from tests.helpers.stores import Store, variables

_COUNTER = itertools.count()


@pytest.fixture
def folder(store: Store) -> str:
    """A folder of the store that nobody has used before."""
    return f"{store.root}/{next(_COUNTER)}"


def fill(folder: str, count: int, first: int = 0) -> None:
    """Writes photographs into a folder of any store."""
    for seed in range(first, first + count):
        storage.write_bytes(f"{folder}/lesion-{seed:04d}.jpg", photograph(seed))


def score(folder: str, bundle: str, *words: str) -> int:
    """Scores the photographs below `in` of a folder into its `out`; returns the exit code."""
    return main(["score", "--images", f"{folder}/in", "--bundle", bundle, "--output", f"{folder}/out", *words])


def records(output: str) -> list[RunRecord]:
    """Returns the records of an output, oldest first."""
    layout = layout_of(output)
    return [found for run_id in recorded_runs(layout) if (found := stored_record(layout, run_id)) is not None]


@pytest.mark.service
def test_every_name_is_listed_read_and_scored_once(folder: str, bundle_uri: str) -> None:
    for seed, name in enumerate(NAMES):
        storage.write_bytes(f"{folder}/in/{name}", photograph(seed))
    storage.write_bytes(f"{folder}/in/broken.jpg", b"GIF89a")
    root = storage.canonical(f"{folder}/in")
    assert score(folder, bundle_uri) == 0
    found = {row["image_uri"].removeprefix(f"{root}/"): row["status"] for row in rows(f"{folder}/out")}
    assert found == {**dict.fromkeys(NAMES, "scored"), "broken.jpg": "failed"}
    assert score(folder, bundle_uri) == 0
    assert table_in(f"{folder}/out").version == 1, "an unchanged folder was committed again"
    storage.write_bytes(f"{folder}/in/plain.jpg", photograph(99))
    fill(f"{folder}/in", 1, first=50)
    assert score(folder, bundle_uri) == 0
    names = [row["image_uri"].removeprefix(f"{root}/") for row in rows(f"{folder}/out")]
    assert sorted(names) == sorted([*NAMES, "broken.jpg", "plain.jpg", "lesion-0050.jpg"])


@pytest.mark.service
def test_members_of_an_archive_are_scored(folder: str, bundle_uri: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for seed in range(3):
            content.writestr(f"visit 1/ä-{seed}.jpg", photograph(seed))
    storage.write_bytes(f"{folder}/in.zip", archive.getvalue())
    words = ["score", "--images", f"zip://{folder}/in.zip", "--bundle", bundle_uri, "--output", f"{folder}/out"]
    assert main(words) == 0
    prefix, suffix = "zip://visit 1/ä-", f"::{storage.canonical(folder)}/in.zip"
    assert [row["image_uri"] for row in rows(f"{folder}/out")] == [f"{prefix}{seed}.jpg{suffix}" for seed in range(3)]


@pytest.mark.service
def test_the_life_of_a_table(
    store: Store, folder: str, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Preflight, two runs, report, query, export, retry, compaction, and a patient erased."""
    fill(f"{folder}/in", 4)
    storage.write_bytes(f"{folder}/in/DOE-JANE.jpg", photograph(77))
    storage.write_bytes(f"{folder}/in/broken.jpg", b"\xff\xd8\xff")
    output = f"{folder}/out"
    words = ["--images", f"{folder}/in", "--bundle", bundle_uri, "--output", output]
    assert main(["doctor", *words]) == 0
    assert score(folder, bundle_uri, "--show-uris", "--max-failed", "1") == 0
    storage.write_bytes(f"{folder}/in/lesion-0100.jpg", photograph(100))
    assert score(folder, bundle_uri, "--retry-failed", "--max-failed", "1") == 0
    attempts = [row["attempt"] for row in rows(output) if row["image_id"] == "broken"]
    assert attempts == [1, 2]
    layout = layout_of(output)
    (first, second) = records(output)
    for run in (first, second):
        assert run.run_id in storage.read_bytes(layout.report(run.run_id)).decode()
    capsys.readouterr()
    assert main(["query", output, "SELECT count(*) AS n FROM latest WHERE status = 'scored'", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["n", "6"]
    assert main(["query", output, "--export", f"{folder}/latest.parquet"]) == 0
    assert storage.read_bytes(f"{folder}/latest.parquet")[:4] == b"PAR1"
    uri = f"{storage.canonical(folder)}/in/DOE-JANE.jpg"
    assert main(["explain", output, uri]) == 0
    assert main(["table", "compact", output]) == 0 and committed(output) == 8
    (tmp_path / "uris.txt").write_text(uri)
    assert main(["table", "forget", output, "--uris", str(tmp_path / "uris.txt"), "--yes"]) == 0
    left = [stored.uri for stored in storage.list_files(output)]
    assert not [found for found in left if "DOE" in found or b"DOE-JANE" in storage.read_bytes(found)]
    assert score(folder, bundle_uri) == 0 and committed(output) == 7
    assert main(["table", "vacuum", output, "--yes"]) == 0
    assert_no_secret(store, output, capsys.readouterr().out)


@pytest.mark.service
def test_a_killed_run_is_resumed(store: Store, folder: str, bundle_uri: str, tmp_path: Path) -> None:
    fill(f"{folder}/in", 60)
    words = ["score", "--images", f"{folder}/in", "--bundle", bundle_uri, "--output", f"{folder}/out"]
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "jobs.cli", *words, "--chunk-size", "1"]
        run = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)
    staged = 0
    while staged < 3 and run.poll() is None:
        time.sleep(0.02)
        staged = len(staged_files(f"{folder}/out"))
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()
    assert committed(f"{folder}/out") == 0
    assert score(folder, bundle_uri) == 0
    (record,) = (found for found in records(f"{folder}/out") if found.outcome == "committed")
    assert 3 <= record.adopted < 60
    assert_one_row_each(f"{folder}/out", 60, record)


def staged_files(output: str) -> list[str]:
    """Returns the URIs of the chunks that lie staged."""
    try:
        return [found.uri for found in storage.list_files(layout_of(output).staging) if found.uri.endswith(".arrow")]
    except ReadError:  # nothing is there yet, or not any more
        return []


@pytest.mark.service
@pytest.mark.parametrize("exists", [False, True], ids=["no table yet", "a table"])
def test_of_three_writers_each_commits_what_the_others_did_not(
    store: Store, folder: str, bundle_uri: str, exists: bool
) -> None:
    images, output = f"{folder}/in", f"{folder}/out"
    fill(images, 2)
    before = run_without_beam(images, output, bundle_uri).counts.listed if exists else 0
    fill(images, 3, first=2)
    ends = prepared(3, images, output, bundle_uri)
    faults.race(ends, store.environment)
    assert_each_photograph_once(output, [run for run, *_ in ends], 5, before)


@pytest.mark.service
def test_refused_credentials_commit_nothing_and_are_not_printed(
    store: Store, folder: str, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not store.refused:
        pytest.skip("a disk asks for no credentials")
    (tmp_path / "lesion.jpg").write_bytes(photograph(0))
    fill(f"{folder}/in", 2)
    local = ["--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    with variables(store.refused):
        assert score(folder, bundle_uri) == 2
        assert main(["score", "--images", f"{folder}/in", *local]) == 2
        assert main(["score", "--images", str(tmp_path), "--bundle", bundle_uri, "--output", f"{folder}/out"]) == 2
        assert main(["query", f"{folder}/out", "FROM latest"]) == 2
        assert main(["doctor", "--images", f"{folder}/in", "--bundle", bundle_uri, "--output", f"{folder}/out"]) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err and "OSError" not in printed.err
    assert_no_secret(store, str(tmp_path), printed.out + printed.err)
    with variables(store.environment):
        assert not storage.exists(f"{folder}/out/_delta_log")
        assert score(folder, bundle_uri) == 0 and committed(f"{folder}/out") == 2


def assert_no_secret(store: Store, output: str, printed: str) -> None:
    """Asserts that neither what was printed nor a file of an output holds a secret of the store."""
    assert not [secret for secret in store.secrets if secret in printed]
    for stored in storage.list_files(output):
        data = storage.read_bytes(stored.uri)
        assert not [secret for secret in store.secrets if secret.encode() in data], stored.uri


@pytest.mark.service
def test_a_bucket_that_does_not_exist_is_a_mistake(
    store: Store, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"{store.root}-mistyped"
    (tmp_path / "lesion.jpg").write_bytes(photograph(0))
    assert main(["score", "--images", nowhere, "--bundle", bundle_uri, "--output", str(tmp_path / "out")]) == 2
    assert "check --images" in capsys.readouterr().err
    if storage.local_path(nowhere) is None:  # a folder is created
        assert main(["score", "--images", str(tmp_path), "--bundle", bundle_uri, "--output", f"{nowhere}/out"]) == 2
        assert "no bucket of this name" in capsys.readouterr().err


@pytest.mark.service
def test_a_bundle_is_read_from_the_store(store: Store, folder: str, bundle_uri: str, tmp_path: Path) -> None:
    for path in Path(bundle_uri).rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{folder}/bundle/{path.relative_to(bundle_uri)}", path.read_bytes())
    (tmp_path / "a.jpg").write_bytes(photograph(0))
    words = ["score", "--images", str(tmp_path), "--bundle", f"{folder}/bundle", "--output", str(tmp_path / "out")]
    assert main(words) == 0
