"""When a run stops because its store delivers nothing."""

import time

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from melanoma.ingest.breaker import Breaker

LATE = ReadError(ErrorKind.TIMEOUT, "the store did not answer in time")


@pytest.fixture(autouse=True)
def usual_wait() -> object:
    """A breaker that ends a run shortens the wait of its process."""
    yield
    storage.set_object_timeout(storage.DEFAULT_SECONDS)


def test_two_hundred_failures_in_a_row_end_the_run() -> None:
    breaker = Breaker()
    for kind in [ErrorKind.FORBIDDEN, ErrorKind.STORE_UNAVAILABLE] * 99 + [ErrorKind.TIMEOUT]:
        breaker.note(ReadError(kind, "no"))
    with pytest.raises(NothingCommittedError, match=r"none of the last 200 photographs.*the credentials have expired"):
        breaker.note(ReadError(ErrorKind.FORBIDDEN, "the credentials have expired"))


@pytest.mark.parametrize("answer", [None, ReadError(ErrorKind.MISSING, "no such file")])
def test_one_answer_starts_the_count_anew(answer: ReadError | None) -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(199):
            breaker.note(LATE)
        breaker.note(answer)


def test_ten_failures_within_two_minutes_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker()
    now = time.monotonic()
    monkeypatch.setattr("melanoma.ingest.breaker.time.monotonic", lambda: now)
    for _ in range(9):
        breaker.note(LATE, 60.0)
    now += 59.0
    breaker.note(LATE, 60.0)
    now += 2.0
    with pytest.raises(NothingCommittedError, match="none of the last 11 photographs, for 121 seconds"):
        breaker.note(LATE, 60.0)


def test_nine_failures_are_rows_however_long_they_took() -> None:
    breaker = Breaker()
    for _ in range(9):
        breaker.note(LATE, 600.0)
