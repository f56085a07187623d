"""What the table knows of past attempts, against a plain dictionary of the same rows."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from melanoma.errors import ErrorKind
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.runs.attempts import FailedAttempt, committed_since, past_attempts
from melanoma.runs.digests import name_digest
from melanoma.runs.run import Run
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.planned_runs import FIRST_DAY, commit, digest, ref, rows_of, run_on

HEALING = {
    ErrorKind.TIMEOUT,
    ErrorKind.STORE_UNAVAILABLE,
    ErrorKind.FORBIDDEN,
    ErrorKind.MISSING,
    ErrorKind.CHANGED,
    ErrorKind.ARCHIVED,
    ErrorKind.OUT_OF_MEMORY,
    # The rows of these tests do not name the decoder, so another one failed.
    ErrorKind.DECODER_CRASH,
    ErrorKind.DECODER_TIMEOUT,
}


@dataclass
class Attempt:
    """One row that a test commits: `error` is None where the photograph was scored."""

    photograph: ImageRef
    day: int
    error: ErrorKind | None = None


def write(output: Path, attempts: Sequence[Attempt], **values: str) -> Run:
    """Commits attempts day by day, and returns a run that is planned after them."""
    for day in sorted({attempt.day for attempt in attempts}):
        run = run_on(output, day, **values)
        today = [attempt for attempt in attempts if attempt.day == day]
        failures = {attempt.photograph: attempt.error for attempt in today if attempt.error is not None}
        commit(run, rows_of(run, [attempt.photograph for attempt in today if attempt.error is None], failures))
    return run_on(output, 99, **values)


def drawn_attempts(seed: int) -> list[Attempt]:
    draw, attempts = random.Random(seed), []
    for number in range(400):
        version = draw.choice(["", "v1", "v2"])
        for attempt in range(1, draw.randrange(2, 5)):
            error = draw.choice([None, *ErrorKind])
            attempts.append(Attempt(ref(f"{number}", version, attempt), attempt, error))
    return attempts


@pytest.mark.parametrize("seed", [1, 2])
def test_past_attempts_are_those_of_a_plain_dictionary(tmp_path: Path, seed: int) -> None:
    attempts = drawn_attempts(seed)
    run = write(tmp_path, attempts)
    past = past_attempts(run, ScoreTable.at(run.layout, run.table_version))
    done = [digest(one.photograph) for one in attempts if one.error not in HEALING]
    last = dict[bytes, FailedAttempt]()
    for one in attempts:  # in the order of their attempts
        if one.error in HEALING:
            date = FIRST_DAY.replace(day=FIRST_DAY.day + one.day)
            last[digest(one.photograph)] = FailedAttempt(one.photograph.attempt, date)
    assert sorted(past.done) == sorted(done)
    assert past.failed == last
    versioned = [one.photograph for one in attempts if one.photograph.version]
    assert sorted(past.uris) == sorted(digest_of(photograph.uri, "") for photograph in versioned)
    assert sorted(past.names) == sorted(name_digest(photograph.uri, photograph.version) for photograph in versioned)


def test_to_a_run_that_rescores_nothing_is_done(tmp_path: Path) -> None:
    attempts = [Attempt(ref("a"), 1), Attempt(ref("b"), 2, ErrorKind.CORRUPT), Attempt(ref("a", attempt=2), 3)]
    run = replace(write(tmp_path, attempts), rescore=True)
    past = past_attempts(run, ScoreTable.open(run.layout))
    assert list(past.done) == []
    assert {digest: last.attempt for digest, last in past.failed.items()} == {digest(ref("a")): 2, digest(ref("b")): 1}


def test_a_run_that_retries_what_failed_takes_as_done_what_was_scored(tmp_path: Path) -> None:
    attempts = [Attempt(ref("a"), 1), Attempt(ref("b"), 1, ErrorKind.CORRUPT), Attempt(ref("c"), 1, ErrorKind.TIMEOUT)]
    run = replace(write(tmp_path, attempts), retry_failed=True)
    past = past_attempts(run, ScoreTable.open(run.layout))
    assert list(past.done) == [digest(ref("a"))] and set(past.failed) == {digest(ref("b")), digest(ref("c"))}


def test_without_a_table_there_is_no_past(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    past = past_attempts(run, ScoreTable.open(run.layout))
    assert not any(map(len, (past.done, past.failed, past.uris, past.names)))


def test_another_models_attempts_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, [Attempt(ref("a"), 1)], model_id="m-000000000002")
    run = run_on(tmp_path)
    assert not len(past_attempts(run, ScoreTable.open(run.layout)).uris)


def test_what_others_committed_since_is_what_two_dictionaries_differ_in(tmp_path: Path) -> None:
    """Of each photograph the last attempt counts, and whether any attempt has settled it."""
    attempts = drawn_attempts(3)
    early, late = [one for one in attempts if one.day == 1], [one for one in attempts if one.day > 1]
    write(tmp_path, early)
    planned = run_on(tmp_path, 1, number=1)
    write(tmp_path, late)
    last = {digest(one.photograph): one.photograph.attempt for one in late}
    settled = {digest(one.photograph) for one in attempts if one.error not in HEALING}
    progress = committed_since(planned, table_in(tmp_path))
    assert progress.done == {key: attempt for key, attempt in last.items() if key in settled}
    assert progress.failed == {key: attempt for key, attempt in last.items() if key not in settled}
    assert progress.done and progress.failed


def test_nothing_was_committed_since_the_version_itself(tmp_path: Path) -> None:
    run = write(tmp_path, [Attempt(ref("a"), 1), Attempt(ref("b"), 2, ErrorKind.TIMEOUT)])
    assert committed_since(run, table_in(tmp_path)) == ({}, {})


def test_everything_was_committed_since_there_was_no_table(tmp_path: Path) -> None:
    planned = run_on(tmp_path)
    write(tmp_path, [Attempt(ref("a"), 1), Attempt(ref("b", attempt=4), 2, ErrorKind.TIMEOUT)])
    assert committed_since(planned, table_in(tmp_path)) == ({digest(ref("a")): 1}, {digest(ref("b")): 4})
