"""The error that ended a run is read back as it was raised, from whatever process."""

import json
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import BundleError, DataError, ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.runs.failures import cause_of, record_failure, recorded
from melanoma.runs.run import Run
from tests.helpers.nights import start

RUNNER = RuntimeError("worker 3 failed: melanoma.errors.UsageError: not to be believed")


@pytest.fixture
def run(tmp_path: Path, bundle_uri: str) -> Run:
    return start(tmp_path / "out", bundle_uri)


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
    assert cause_of([run], RUNNER) is RUNNER
    assert "DOE" not in path_of(run).read_text(), "the text of a foreign exception may name a patient"


def test_of_several_models_the_last_error_counts(tmp_path: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    runs = [start(tmp_path / "out", uri) for uri in (bundle_uri, other_bundle_uri)]
    record_failure(runs[1], UsageError("first"))
    record_failure(runs[0], BundleError("second"))
    assert str(cause_of(runs, RUNNER)) == "second"


def test_an_error_of_a_photograph_that_ends_a_run_is_the_stores(run: Run) -> None:
    record_failure(run, ReadError(ErrorKind.TIMEOUT, "the store did not answer in time"))
    found = cause_of([run], RUNNER)
    assert isinstance(found, NothingCommittedError)
    assert str(found) == "the store failed: timeout: the store did not answer in time; nothing was committed"


HOSTILE = [b"", b"{", b"[]", b"null", b'{"class": "UsageError"}']
HOSTILE += [
    json.dumps({"class": name, "moment": "1", "message": "x"}).encode()
    for name in ("ErrorKind", "StrEnum", "ReadError", "__builtins__")
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
    from fsspec.implementations.local import LocalFileSystem

    from melanoma.storage import filesystems
    from tests.helpers import refusing

    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "info", refusing("failure", LocalFileSystem.info, TimeoutError("secret")))
    found = cause_of([run], RUNNER)
    assert isinstance(found, NothingCommittedError) and "output's store failed: timeout" in str(found)
    assert "secret" not in str(found)
