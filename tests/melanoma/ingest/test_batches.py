"""Batches of a chunk: every photograph once, in order, and never far ahead."""

import datetime
import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest import batches
from melanoma.ingest.batches import Batch, LoadLimits, defer, load_batches
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.loading import Decoded, load
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.ingest.tasks import Chunk, Task
from melanoma.storage import filesystems
from melanoma.table.forgotten import Forgotten
from tests.helpers import fill
from tests.helpers.outputs import layout_of

SMALL, LARGE = ImageSpec(8, 8), ImageSpec(12, 10)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture(scope="module")
def refs(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRef]:
    """Seven photographs, the third of which is broken."""
    folder = tmp_path_factory.mktemp("in")
    fill(folder, 7)
    (folder / "lesion-0002.jpg").write_bytes(b"not a photograph")
    return list(list_images(Root(str(folder))))


def chunk_of(refs: list[ImageRef], *attempts: int) -> Chunk:
    return Chunk(5, tuple(Task(ref, attempts or (1,)) for ref in refs))


def test_batches_are_full_until_the_last_and_failures_take_no_place(
    refs: list[ImageRef], pool: ThreadPoolExecutor
) -> None:
    found = [batch for _, batch in load_batches(chunk_of(refs), [SMALL], 4, pool)]
    assert [(len(batch), batch.pixels.shape, batch.is_last) for batch in found] == [
        (4, (4, 8, 8, 3), False),
        (2, (2, 8, 8, 3), True),
    ]
    failed = [failure for batch in found for failure in batch.failures]
    assert [(failure.ref, failure.error.kind) for failure in failed if failure.error] == [
        (refs[2], ErrorKind.UNSUPPORTED_FORMAT)
    ]
    assert [loaded.ref for batch in found for loaded in batch.loaded] == [*refs[:2], *refs[3:]]
    assert {batch.chunk for batch in found} == {5} and {batch.pixels.dtype for batch in found} == {np.dtype(np.uint8)}


def test_pixels_are_in_the_order_of_their_photographs(refs: list[ImageRef], pool: ThreadPoolExecutor) -> None:
    for _, batch in load_batches(chunk_of(refs[::-1]), [SMALL], 3, pool):
        for loaded, pixels in zip(batch.loaded, batch.pixels, strict=True):
            data = Path(loaded.ref.uri.removeprefix("file://")).read_bytes()
            np.testing.assert_array_equal(pixels, decoding.decode(data, SMALL))


def test_a_last_batch_may_be_empty_and_still_ends_the_chunk(refs: list[ImageRef], pool: ThreadPoolExecutor) -> None:
    ((_, last),) = load_batches(chunk_of([refs[2]]), [SMALL], 4, pool)
    assert (len(last), last.pixels.shape, last.is_last, len(last.failures)) == (0, (0, 8, 8, 3), True, 1)


def test_exactly_one_full_batch_is_the_last_one(refs: list[ImageRef], pool: ThreadPoolExecutor) -> None:
    ((_, only),) = load_batches(chunk_of(refs[:2]), [SMALL], 2, pool)
    assert (len(only), only.is_last) == (2, True)


def test_each_model_gets_its_own_photographs_size_and_attempts(refs: list[ImageRef], pool: ThreadPoolExecutor) -> None:
    tasks = (Task(refs[0], (1, 4)), Task(refs[1], (2, 0)), Task(refs[3], (0, 1)), Task(refs[4], (0, 1)))
    found: dict[int, list[Batch]] = {0: [], 1: [], 2: []}
    for model, batch in load_batches(Chunk(5, tasks), [SMALL, LARGE], 2, pool):
        found[model].append(batch)
    attempts = {
        model: [(loaded.ref.uri, loaded.ref.attempt) for batch in found[model] for loaded in batch.loaded]
        for model in (0, 1)
    }
    assert attempts[0] == [(refs[0].uri, 1), (refs[1].uri, 2)]
    assert attempts[1] == [(refs[0].uri, 4), (refs[3].uri, 1), (refs[4].uri, 1)]
    assert [batch.pixels.shape for batch in found[0]] == [(2, 8, 8, 3), (0, 8, 8, 3)]
    assert [batch.pixels.shape for batch in found[1]] == [(2, 12, 10, 3), (1, 12, 10, 3)]
    assert [[batch.is_last for batch in found[model]] for model in (0, 1)] == [[False, True]] * 2


def test_a_model_without_photographs_in_the_chunk_gets_no_batch(refs: list[ImageRef], pool: ThreadPoolExecutor) -> None:
    assert {model for model, _ in load_batches(chunk_of(refs, 0, 1), [SMALL, LARGE], 4, pool)} == {1}
    assert list(load_batches(Chunk(5, ()), [SMALL], 4, pool)) == []


def test_forgotten_photographs_are_counted_for_each_model_on_its_last_batch(
    refs: list[ImageRef], pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    gone = [Path(ref.uri.removeprefix("file://")).read_bytes() for ref in (refs[0], refs[4])]
    Forgotten.add(layout_of(tmp_path), [], [hashlib.sha256(data).hexdigest() for data in gone])
    tasks = tuple(Task(ref, (1, int(ref is not refs[4]))) for ref in refs)
    found: dict[int, list[Batch]] = {0: [], 1: []}
    for model, batch in load_batches(Chunk(5, tasks), [SMALL, LARGE], 3, pool, Forgotten.read(layout_of(tmp_path))):
        found[model].append(batch)
    counts = {model: [(len(batch), len(batch.failures), batch.forgotten) for batch in found[model]] for model in found}
    assert counts == {0: [(3, 1, 0), (1, 0, 2)], 1: [(3, 1, 0), (1, 0, 1)]}


def test_duplicates_are_loaded_once_and_counted_on_the_last_batch(
    refs: list[ImageRef], pool: ThreadPoolExecutor
) -> None:
    found = [batch for _, batch in load_batches(chunk_of([*refs[:2], *refs[:2], refs[0]]), [SMALL], 1, pool)]
    assert [(len(batch), batch.duplicates) for batch in found] == [(1, 0), (1, 3)]


def count_loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URIs that are loaded, as the threads do it."""
    loaded, lock = list[str](), threading.Lock()

    def counting(ref: ImageRef, *others: Any) -> list[Decoded]:
        with lock:
            loaded.append(ref.uri)
        return load(ref, *others)

    monkeypatch.setattr(batches, "load", counting)
    return loaded


def test_a_photograph_is_loaded_once_for_all_models(
    refs: list[ImageRef], pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = count_loads(monkeypatch)
    list(load_batches(chunk_of(refs, 1, 1, 1), [SMALL, LARGE, SMALL], 2, pool))
    assert sorted(loaded) == [ref.uri for ref in refs]


def test_no_more_than_two_batches_are_loaded_ahead(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 12)
    loaded = count_loads(monkeypatch)
    stream = load_batches(chunk_of(list(list_images(Root(str(tmp_path))))), [SMALL], 2, pool)
    next(stream)
    pool.shutdown(wait=True)  # whatever has been submitted is done
    assert 2 <= len(loaded) <= 2 + 3 * 2
    stream.close()


def test_a_consumer_that_stops_cancels_what_was_not_begun(
    refs: list[ImageRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, release = list[str](), threading.Event()

    def slow(ref: ImageRef, *others: Any) -> list[Decoded]:
        begun.append(ref.uri)
        assert ref is refs[0] or release.wait(10)
        return load(ref, *others)

    monkeypatch.setattr(batches, "load", slow)
    with ThreadPoolExecutor(1) as single:
        stream = load_batches(chunk_of(refs), [SMALL], 1, single)
        next(stream)  # the second photograph waits, and the next ones wait for it
        stream.close()
        release.set()
    assert begun in ([refs[0].uri], [ref.uri for ref in refs[:2]])


def test_a_deferred_chunk_names_its_photographs_by_digest_for_each_model(refs: list[ImageRef]) -> None:
    chunk = Chunk(5, (Task(refs[0], (1, 0, 0)), Task(refs[1], (1, 1, 0)), Task(refs[1], (1, 1, 0))))
    first, second = defer(chunk, [SMALL, LARGE, SMALL])
    digests = [digest_of(ref.uri, ref.version) for ref in refs[:2]]
    assert (first[0], first[1].deferred, first[1].duplicates) == (0, tuple(digests), 1)
    assert (second[0], second[1].deferred, second[1].duplicates) == (1, (digests[1],), 1)
    assert second[1].pixels.shape == (0, 12, 10, 3) and second[1].is_last and not second[1].failures


def test_after_the_deadline_the_rest_of_a_chunk_is_deferred_and_what_is_there_is_scored(
    refs: list[ImageRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)
    loading = batches.load

    def slow(*args: Any) -> list[Decoded]:
        time.sleep(0.2)
        return loading(*args)

    monkeypatch.setattr(batches, "load", slow)
    with ThreadPoolExecutor(1) as thread:
        found = [batch for _, batch in load_batches(chunk_of(refs), [SMALL], 2, thread, limits=LoadLimits(deadline))]
    read = [loaded.ref for batch in found for loaded in (*batch.loaded, *batch.failures)]
    deferred = [digest for batch in found for digest in batch.deferred]
    assert 1 <= len(read) <= 4 and all(not batch.deferred for batch in found[:-1])
    assert sorted(map(str, read)) == sorted(map(str, refs[: len(read)]))
    assert deferred == [digest_of(ref.uri, ref.version) for ref in refs[len(read) :]]


def test_a_photograph_that_hangs_at_the_deadline_is_deferred_soon_after(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 2)
    refs = list(list_images(Root(str(tmp_path))))
    released = threading.Event()
    reading = LocalFileSystem.cat_file

    def hanging(self: LocalFileSystem, path: str, **options: Any) -> bytes:
        if path.endswith("0001.jpg"):
            released.wait(60)
        return bytes(reading(self, path, **options))

    monkeypatch.setattr(LocalFileSystem, "cat_file", hanging)
    monkeypatch.setattr(batches, "_AFTER_DEADLINE_SECONDS", 0.3)
    deadline = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.3)
    began = time.monotonic()
    ((_, batch),) = load_batches(chunk_of(refs), [SMALL], 4, pool, limits=LoadLimits(deadline))
    released.set()
    assert [loaded.ref for loaded in batch.loaded] == refs[:1] and not batch.failures and batch.is_last
    assert batch.deferred == (digest_of(refs[1].uri, refs[1].version),) and time.monotonic() - began < 30


def test_a_store_that_fails_for_good_ends_the_chunk(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    refs = [ImageRef(f"failing:///nothing/{number}.jpg", "v", 1, "") for number in range(300)]
    with pytest.raises(NothingCommittedError, match="none of the last 200 photographs"):
        list(load_batches(chunk_of(refs), [SMALL], 32, pool))
    storage.set_object_timeout(storage.DEFAULT_SECONDS)
