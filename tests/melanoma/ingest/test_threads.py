"""Reading uses more threads than cores, and for a remote store as many as it may be asked at a time."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from melanoma import storage
from melanoma.budget import Budget
from melanoma.images.decoding import ImageSpec
from melanoma.ingest import loading
from melanoma.ingest.batches import load_batches
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.ingest.tasks import Chunk, Task
from melanoma.ingest.threads import default_threads
from melanoma.machine import processors
from tests.helpers import photograph
from tests.helpers.small_answers import BUCKET, Answer, Fault, Request
from tests.helpers.small_store import environment_of, small_store

LATE, SOON = 20.0, 0.3  # seconds after which requests that should have met did not, and within which they would
READERS = default_threads(is_local=False)
SIZE = len(photograph(0))


def test_a_local_disk_gets_two_threads_per_core() -> None:
    assert default_threads(is_local=True) == 2 * processors()


def meeting(number: int, seconds: float) -> tuple[Fault, Callable[[], bool]]:
    """A store that answers once so many reads wait at the same time, and whether they ever did."""
    barrier, met = threading.Barrier(number), threading.Event()

    def wait(request: Request, answer: Answer) -> Answer:
        if request.is_read and not met.is_set():
            try:
                barrier.wait(seconds)
                met.set()
            except threading.BrokenBarrierError:
                pass
        return answer

    return wait, met.is_set


@pytest.fixture
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(READERS) as pool:
        yield pool


def scored(refs: list[ImageRef], readers: ThreadPoolExecutor) -> int:
    chunk = Chunk(0, tuple(Task(ref) for ref in refs))
    return sum(len(batch) for _, batch in load_batches(chunk, [ImageSpec(8, 8)], 32, readers))


@pytest.mark.parametrize("protocol", ["s3", "gs", "az"])
def test_as_many_photographs_as_there_are_readers_are_asked_for_at_a_time(
    protocol: str, readers: ThreadPoolExecutor
) -> None:
    with small_store({f"in/{number:03}.jpg": photograph(0) for number in range(READERS)}) as store:
        store.fault, have_met = meeting(READERS, LATE)
        with environment_of(store):
            assert scored(list(list_images(Root(f"{protocol}://{BUCKET}/in"))), readers) == READERS
    assert have_met() and READERS == storage.CONNECTIONS


@pytest.mark.parametrize(("photographs", "at_a_time"), [(3, True), (4, False)])
def test_readers_wait_where_their_bytes_would_exceed_the_budget(
    photographs: int, at_a_time: bool, readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BYTES", Budget(4 * SIZE - 1))
    with small_store({f"in/{number}.jpg": photograph(0) for number in range(8)}) as store:
        store.fault, have_met = meeting(photographs, LATE if at_a_time else SOON)
        with environment_of(store):
            assert scored(list(list_images(Root(f"s3://{BUCKET}/in"))), readers) == 8
    assert have_met() == at_a_time


def test_a_photograph_without_a_listed_size_counts_as_the_largest(
    readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BYTES", Budget(2 * loading.MAX_BYTES - 1))
    with small_store({f"in/{number}.jpg": photograph(0) for number in range(4)}) as store:
        store.fault, have_met = meeting(2, SOON)
        with environment_of(store):
            refs = [ref._replace(size=-1) for ref in list_images(Root(f"s3://{BUCKET}/in"))]
            assert scored(refs, readers) == 4
    assert not have_met()


def test_photographs_that_are_not_there_wait_for_nobody(
    readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(1)
    monkeypatch.setattr(loading, "_BYTES", budget)
    gone = ImageRef("/nowhere/gone.jpg", "", -1, "gone")
    with budget.reserve(1):
        future = readers.submit(loading.load, gone, [ImageSpec(8, 8)])
        ((loaded, _),) = future.result(LATE)
    assert loaded.error is not None
