"""The error that ended a run is read back as it was raised, from whatever process."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma import errors, storage
from melanoma.errors import (
    BundleError,
    DataError,
    ErrorKind,
    MelanomaError,
    NothingCommittedError,
    ReadError,
    UsageError,
)
from melanoma.runs.failures import cause_of, is_recorded, record_failure, recorded
from melanoma.runs.run import Run
from melanoma.storage import filesystems
from tests.helpers import ROOT, refusing
from tests.helpers.pipeline_runs import start
from tests.helpers.planned_runs import run_on

RUNNER = RuntimeError("worker 3 failed: melanoma.errors.UsageError: not to be believed")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_on(tmp_path / "out")


def path_of(run: Run) -> Path:
    return Path(run.layout.failure(run.fingerprint, run.run_id).removeprefix("file://"))


@pytest.mark.parametrize("error", [UsageError("a: b"), BundleError("c"), DataError("d\ne"), NothingCommittedError("f")])
def test_our_own_error_comes_back_whatever_the_runner_raises(run: Run, error: Exception) -> None:
    with pytest.raises(type(error)), recorded(run):
        raise error
    found = cause_of([run], RUNNER)
    assert (type(found), str(found)) == (type(error), str(error))


def test_nothing_recorded_leaves_what_the_runner_raised(run: Run) -> None:
    assert cause_of([run], RUNNER) is RUNNER
    assert not path_of(run).exists()


def test_an_error_that_the_runner_has_kept_is_found_among_its_causes(run: Run) -> None:
    try:
        try:
            raise BundleError("kept")
        except BundleError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as wrapped:
        assert str(cause_of([run], wrapped)) == "kept"
    own = UsageError("itself")
    assert cause_of([run], own) is own


def test_the_last_error_counts_when_a_runner_tries_again(run: Run) -> None:
    record_failure(run, NothingCommittedError("the store was down"))
    record_failure(run, BundleError("another digest"))
    assert isinstance(cause_of([run], RUNNER), BundleError)


def test_a_fault_after_an_error_that_healed_stays_a_fault(run: Run) -> None:
    record_failure(run, NothingCommittedError("the store was down"))
    record_failure(run, ZeroDivisionError("DOE^JANE"))
    assert "DOE" not in path_of(run).read_text(), "the text of a foreign exception may name a patient"
    assert cause_of([run], RUNNER) is RUNNER


def test_of_several_models_the_last_error_counts(tmp_path: Path) -> None:
    runs = [run_on(tmp_path / "out", fingerprint=letter * 16) for letter in "ab"]
    record_failure(runs[1], UsageError("first"))
    record_failure(runs[0], BundleError("second"))
    assert str(cause_of(runs, RUNNER)) == "second"


def test_an_error_of_a_photograph_that_ends_a_run_is_the_stores(run: Run) -> None:
    record_failure(run, ReadError(ErrorKind.TIMEOUT, "the store did not answer in time"))
    found = cause_of([run], RUNNER)
    assert isinstance(found, NothingCommittedError)
    assert str(found) == "the store failed: timeout: the store did not answer in time; nothing was committed"


HOSTILE = [b"", b"\xff", b"[" * 100_000, b"{", b"[]", b"null", b'{"class": "UsageError"}']
HOSTILE += [
    json.dumps({"class": name, "moment": "1", "message": "x"}).encode()
    for name in ("ErrorKind", "StrEnum", "ReadError", "__builtins__", "MAY_HEAL", "", "UsageError.__class__")
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_record_that_is_damaged_or_hostile_is_passed_over(run: Run, content: bytes) -> None:
    storage.write_bytes(run.layout.failure(run.fingerprint, run.run_id), content)
    assert cause_of([run], RUNNER) is RUNNER


def test_a_store_that_refuses_the_record_hides_no_error(run: Run) -> None:
    path_of(run).parent.parent.mkdir(parents=True)
    path_of(run).parent.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="what matters"), recorded(run):
        raise UsageError("what matters")


def test_an_output_that_does_not_answer_is_a_reason_to_try_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "info", refusing("failure", LocalFileSystem.info, TimeoutError("secret")))
    found = cause_of([run], RUNNER)
    assert isinstance(found, NothingCommittedError) and "output's store failed: timeout" in str(found)
    assert "secret" not in str(found)


def test_an_error_that_the_runner_has_kept_counts_before_a_store_that_does_not_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "info", refusing("failure", LocalFileSystem.info, TimeoutError("secret")))
    own = UsageError("a wrong flag")
    assert cause_of([run], own) is own


def test_every_class_of_errors_comes_back(run: Run) -> None:
    classes = [own for own in vars(errors).values() if isinstance(own, type) and issubclass(own, MelanomaError)]
    assert len(classes) >= 5
    for own in classes:
        record_failure(run, own("what was found, and what to do"))
        found = cause_of([run], RUNNER)
        assert (type(found), str(found)) == (own, "what was found, and what to do")


def test_an_error_of_a_subclass_comes_back_as_what_it_is_known_for(run: Run) -> None:
    class DiskFullError(NothingCommittedError):
        pass

    record_failure(run, DiskFullError("no space left"))
    found = cause_of([run], RUNNER)
    assert (type(found), str(found)) == (NothingCommittedError, "no space left")


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_an_error_of_the_store_is_named(run: Run, kind: ErrorKind) -> None:
    record_failure(run, ReadError(kind, "detail"))
    assert str(cause_of([run], RUNNER)) == f"the store failed: {kind.value}: detail; nothing was committed"


@pytest.mark.parametrize(
    "message", ["", "a\nb", '"quoted" \\ é \u2028', "x" * 100_000, "[while running 'Score/Infer']"]
)
def test_a_message_comes_back_whatever_it_holds(run: Run, message: str) -> None:
    record_failure(run, UsageError(message))
    assert str(cause_of([run], RUNNER)) == message


def test_half_a_character_neither_hides_an_error_nor_raises_one(run: Run) -> None:
    record_failure(run, UsageError("name: \udcff"))
    assert isinstance(cause_of([run], RUNNER), UsageError)


def test_a_name_is_in_the_record_as_it_is_so_that_an_erasure_finds_it(run: Run) -> None:
    record_failure(run, UsageError("file:///in/Müller.jpg: is listed twice"))
    assert "file:///in/Müller.jpg".encode() in path_of(run).read_bytes()


def test_a_block_that_ends_well_records_nothing(run: Run) -> None:
    with recorded(run):
        pass
    assert not path_of(run).exists()


def test_a_generator_that_nobody_reads_to_its_end_records_nothing(run: Run) -> None:
    def rows() -> Iterator[int]:
        with recorded(run):
            yield 1
            yield 2

    reader = rows()
    assert next(reader) == 1
    reader.close()
    assert not path_of(run).exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_records_nothing(run: Run, stop: type[BaseException]) -> None:
    with pytest.raises(stop), recorded(run):
        raise stop
    assert not path_of(run).exists()


def test_another_start_does_not_see_what_ended_the_one_before(tmp_path: Path, run: Run) -> None:
    record_failure(run, BundleError("of yesterday"))
    assert cause_of([run_on(tmp_path / "out", day=1)], RUNNER) is RUNNER


def test_an_error_of_another_process_comes_back(run: Run) -> None:
    """As a runner does that starts workers of its own, and tells of them only that they ended."""
    code = (
        "import datetime, pyarrow, sys\n"
        "from melanoma.errors import DataError\n"
        "from melanoma.runs.failures import recorded\n"
        "from melanoma.runs.run import Run\n"
        "from melanoma.table.layout import OutputLayout\n"
        "layout, today = OutputLayout.at(sys.argv[2]), datetime.date.today()\n"
        "run = Run(sys.argv[1], today, layout, 'm', sys.argv[3], pyarrow.schema([]), None)\n"
        "with recorded(run):\n"
        "    raise DataError('of a worker')\n"
    )
    words = [sys.executable, "-c", code, run.run_id, run.layout.root, run.fingerprint]
    assert subprocess.run(words, cwd=ROOT, capture_output=True).returncode == 1
    found = cause_of([run], RUNNER)
    assert (type(found), str(found)) == (DataError, "of a worker")


def test_causes_that_were_cut_off_on_purpose_do_not_count(run: Run) -> None:
    try:
        try:
            raise ReadError(ErrorKind.TIMEOUT, "dealt with")
        except ReadError:
            raise ZeroDivisionError from None
    except ZeroDivisionError as fault:
        assert cause_of([run], fault) is fault


def test_causes_that_go_round_in_a_circle_end(run: Run) -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert cause_of([run], first) is first


def refuse_writes_below(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """Lets no file be written below a folder, as on a full disk."""
    from melanoma.storage import local

    monkeypatch.setattr(filesystems, "_TRIES", 1)
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(local.os, "replace", refusing_target(folder, os.replace, full))


def refusing_target(folder: str, function: Any, error: Exception) -> Any:
    """Makes of a function of two paths one that raises where the second lies below a folder."""

    def refuse(source: str, target: str) -> None:
        if str(target).startswith(folder):
            raise error
        function(source, target)

    return refuse


def test_an_error_is_kept_on_the_local_disk_when_the_output_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_on(tmp_path / "out", scratch=str(tmp_path / "scratch"))
    refuse_writes_below(monkeypatch, run.layout.root.removeprefix("file://"))
    with pytest.raises(NothingCommittedError), recorded(run):
        raise NothingCommittedError("the disk is full")
    assert not path_of(run).exists()
    assert stat.S_IMODE(Path(run.scratch).stat().st_mode) == 0o700
    found = cause_of([run], RUNNER)
    assert (type(found), str(found)) == (NothingCommittedError, "the disk is full")
    assert not Path(run.scratch).exists(), "nothing is left behind"


def test_an_error_on_the_local_disk_counts_though_the_output_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run_on(tmp_path / "out", number=number, scratch=str(tmp_path / f"scratch-{number}")) for number in range(2)]
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    with monkeypatch.context() as full:
        refuse_writes_below(full, runs[1].layout.root.removeprefix("file://"))
        record_failure(runs[1], BundleError("of the second model"))
    monkeypatch.setattr(LocalFileSystem, "info", refusing("out/_stag", LocalFileSystem.info, TimeoutError("secret")))
    found = cause_of(runs, RUNNER)
    assert (type(found), str(found)) == (BundleError, "of the second model")


def test_an_output_that_takes_no_file_any_more_is_a_reason_to_try_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker was another machine's, and could leave its error nowhere."""
    refuse_writes_below(monkeypatch, run.layout.root.removeprefix("file://"))
    found = cause_of([run], RUNNER)
    assert isinstance(found, NothingCommittedError) and "No space left on device" in str(found)


def test_the_record_is_removed_when_it_has_been_read(run: Run) -> None:
    record_failure(run, UsageError("read once"))
    assert str(cause_of([run], RUNNER)) == "read once"
    assert not path_of(run).exists()


def test_no_two_runs_share_a_local_folder(tmp_path: Path, bundle_uri: str) -> None:
    assert len({start(tmp_path / "out", bundle_uri).scratch for _ in range(20)}) == 20


def test_a_recorded_error_is_seen_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_on(tmp_path / "out", scratch=str(tmp_path / "scratch"))
    assert not is_recorded([run])
    record_failure(run, UsageError("x"))
    assert is_recorded([run_on(tmp_path / "other"), run])
    cause_of([run], RUNNER)
    assert not is_recorded([run])
    refuse_writes_below(monkeypatch, run.layout.root.removeprefix("file://"))
    record_failure(run, UsageError("on the local disk"))
    assert is_recorded([run])
