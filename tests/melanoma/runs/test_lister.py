"""The listing hands on chunks while it goes on, unless what it may still find could change what is scored."""

import datetime
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec import AbstractFileSystem

from melanoma.errors import NothingCommittedError, ReadError, UsageError
from melanoma.ingest.roots import Root
from melanoma.ingest.tasks import PackedChunk
from melanoma.runs import deferred, lister
from melanoma.runs.announcement import Announcement, announced
from melanoma.runs.lister import Lister
from melanoma.runs.run import Run
from melanoma.runs.task_waves import WaveSettings
from tests.helpers.planned_runs import commit, digest, ref, rows_of, run_on

SECONDS = 20.0  # after which a wait has failed
PER_FOLDER = 30


class SlowStore(AbstractFileSystem):  # type: ignore[misc]
    """slow:///NAME lists three folders of `PER_FOLDER` photographs; the last one waits until `released` is set."""

    protocol = "slow"
    cachable = False
    released = threading.Event()
    fails = False

    def ls(self, path: str, detail: bool = True, **options: object) -> list[Any]:
        """Lists a folder."""
        path = self._strip_protocol(path).rstrip("/")
        root, _, folder = path.partition("/")
        if not folder:
            return [{"name": f"{root}/{name}", "size": 0, "type": "directory"} for name in "abc"]
        if folder == "c" and not self.released.wait(SECONDS):
            raise TimeoutError
        if folder == "c" and self.fails:
            raise PermissionError
        names = [f"{path}/{number:03}.jpg" for number in range(PER_FOLDER)]
        return [{"name": name, "size": 10, "type": "file", "ETag": '"1"'} for name in names]

    def info(self, path: str, **options: object) -> dict[str, Any]:
        """Describes every path as a folder."""
        return {"name": self._strip_protocol(path), "size": 0, "type": "directory"}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[SlowStore]]:
    fsspec.register_implementation("slow", SlowStore, clobber=True)
    monkeypatch.setattr(lister, "_PAGE", 10)
    monkeypatch.setattr(lister, "_ANNOUNCE_SECONDS", 2 * SECONDS)
    monkeypatch.setattr(SlowStore, "released", threading.Event())
    yield SlowStore
    SlowStore.released.set()  # no thread waits any longer


class Taker(threading.Thread):
    """Takes the chunks of a listing, and notes them."""

    def __init__(self, listing: Lister) -> None:
        super().__init__(daemon=True)
        self._listing = listing
        self.taken, self.errors = list[PackedChunk](), list[Exception]()
        self.has_one = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            for packed in self._listing.chunks():
                self.taken.append(packed)
                self.has_one.set()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.errors.append(error)

    def photographs(self) -> int:
        return sum(len(packed.unpacked().tasks) for packed in self.taken)


def listing_of(run: Run, limit: int | None = None) -> Lister:
    return Lister([run], [Root("slow://in")], WaveSettings(limit=limit, wave_size=15))


def test_in_a_first_run_chunks_come_while_the_listing_goes_on(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    listing = listing_of(run)
    taker = Taker(listing)
    assert taker.has_one.wait(SECONDS) and announced(run) is None
    SlowStore.released.set()
    taker.join(SECONDS)
    assert taker.photographs() == 3 * PER_FOLDER and not taker.errors
    planned = listing.planned()
    assert (planned.summary.listed, planned.chosen.tasks, announced(run)) == (90, 90, Announcement(90))


def test_what_is_listed_is_announced_while_the_listing_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lister, "_ANNOUNCE_SECONDS", 0.0)
    run = run_on(tmp_path)
    taker = Taker(listing_of(run))
    assert taker.has_one.wait(SECONDS)
    until = time.monotonic() + SECONDS
    while announced(run) != Announcement(2 * PER_FOLDER, is_final=False) and time.monotonic() < until:
        time.sleep(0.01)
    assert announced(run) == Announcement(60, is_final=False)
    SlowStore.released.set()
    taker.join(SECONDS)
    assert announced(run) == Announcement(90)


def known(tmp_path: Path) -> Run:
    run = run_on(tmp_path)
    commit(run, rows_of(run, [ref("elsewhere")]))
    return run_on(tmp_path, day=1)


def remembering(tmp_path: Path) -> Run:
    run = run_on(tmp_path)
    deferred.write(run, [digest(ref("elsewhere"))])
    return run_on(tmp_path, day=1)


@pytest.mark.parametrize(("planned", "limit"), [(known, None), (remembering, None), (run_on, 5)])
def test_chunks_wait_for_the_end_of_a_listing_that_may_change_them(
    tmp_path: Path, planned: Any, limit: int | None
) -> None:
    listing = listing_of(planned(tmp_path), limit)
    taker = Taker(listing)
    assert not taker.has_one.wait(0.5)
    SlowStore.released.set()
    taker.join(SECONDS)
    assert taker.photographs() == (limit or 90) and not taker.errors


def test_a_run_that_rescores_does_not_wait_for_the_check_of_the_store(tmp_path: Path) -> None:
    known(tmp_path)
    taker = Taker(listing_of(run_on(tmp_path, day=1, rescore=True)))
    assert taker.has_one.wait(SECONDS)


def test_of_a_store_that_has_moved_nothing_is_taken(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    moved = [ref(f"{number:03}", "1")._replace(uri=f"slow://before/a/{number:03}.jpg") for number in range(PER_FOLDER)]
    commit(run, rows_of(run, moved))
    SlowStore.released.set()
    listing = listing_of(run_on(tmp_path, day=1))
    with pytest.raises(UsageError, match=r"have moved to another place.*nothing was read"):
        next(listing.chunks())
    with pytest.raises(RuntimeError, match="not ended"):
        listing.planned()


def test_a_folder_that_cannot_be_listed_ends_a_run_that_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowStore, "fails", True)
    taker = Taker(listing_of(run_on(tmp_path)))
    assert taker.has_one.wait(SECONDS)
    SlowStore.released.set()
    taker.join(SECONDS)
    assert len(taker.errors) == 1 and isinstance(taker.errors[0], ReadError | UsageError)


@pytest.mark.parametrize(
    ("planned", "words"), [(run_on, "what is scored waits for the next run"), (known, "nothing was read")]
)
def test_a_listing_that_is_late_says_what_became_of_the_run(tmp_path: Path, planned: Any, words: str) -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    before = planned(tmp_path)
    SlowStore.released.set()
    taker = Taker(listing_of(run_on(tmp_path, day=before.run_date.day, deadline=past)))
    taker.join(SECONDS)
    assert isinstance(taker.errors[0], NothingCommittedError)
    assert "had not ended by --stop-at" in str(taker.errors[0]) and words in str(taker.errors[0])


def test_the_listing_ends_when_nobody_takes_its_chunks_any_more(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    chunks = listing_of(run).chunks()
    next(chunks)
    threads = [thread for thread in threading.enumerate() if thread.name == "listing"]
    chunks.close()  # type: ignore[attr-defined]
    SlowStore.released.set()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert announced(run) is None
