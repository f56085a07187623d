"""One deadline per object against stores that say nothing, say it slowly, or never come to an end."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import s3fs
from adlfs import AzureBlobFileSystem
from fsspec.asyn import mirror_sync_methods
from gcsfs import GCSFileSystem
from s3fs import S3FileSystem

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from melanoma.storage import deadlines
from melanoma.storage.deadlines import call_until, end_of_call, file_system_of, no_later_than, one_deadline
from tests.helpers.fault_proxy import FaultProxy, fault_proxy

_BOUND = 30.0  # seconds; without a deadline these tests would take minutes


@pytest.fixture
def proxy(s3_endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy before the S3 server, with an object `a.jpg` behind it."""
    storage.write_bytes(f"{bucket}/p/a.jpg", b"photograph")
    with fault_proxy(s3_endpoint) as faults:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faults.address)
        s3fs.S3FileSystem.clear_instance_cache()
        yield faults
    s3fs.S3FileSystem.clear_instance_cache()
    storage.set_object_timeout(storage.DEFAULT_SECONDS)


@pytest.mark.parametrize("fault", ["silence", "drip", "redirect", "reset"])
def test_no_fault_keeps_a_reader_past_its_deadline(proxy: FaultProxy, bucket: str, fault: str) -> None:
    storage.write_bytes(f"{bucket}/p/b.jpg", bytes(1000))
    listed = storage.stat(f"{bucket}/p/b.jpg")
    proxy.fault = fault
    storage.set_object_timeout(0.7)
    began = time.monotonic()
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind.is_transient and time.monotonic() - began < _BOUND
    with pytest.raises(ReadError) as caught:
        list(storage.list_files(f"{bucket}/p"))
    assert caught.value.kind.is_transient and time.monotonic() - began < _BOUND
    if fault != "drip":  # the answer to a write has no body
        with pytest.raises(NothingCommittedError):
            storage.write_bytes(f"{bucket}/p/c.jpg", b"x")
    assert time.monotonic() - began < _BOUND


def test_a_second_page_that_hangs_ends_the_listing(proxy: FaultProxy, bucket: str) -> None:
    s3fs.S3FileSystem().pipe({f"{bucket}/many/{number:04}.jpg": b"x" for number in range(1005)})
    assert len(list(storage.list_files(f"{bucket}/many"))) == 1005
    storage.set_object_timeout(4.0)
    proxy.fault, proxy.match = "silence", "continuation-token"
    listed, began = [], time.monotonic()
    with pytest.raises(ReadError) as caught:
        for file in storage.list_files(f"{bucket}/many"):
            listed.append(file.uri)
    assert len(listed) == 1000 and caught.value.kind is ErrorKind.TIMEOUT and time.monotonic() - began < _BOUND


def test_only_this_layer_tries_again(proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    listed = storage.stat(f"{bucket}/p/a.jpg")
    proxy.fault, proxy.match, proxy.times = "error", "GET", 3
    proxy.seen.clear()
    assert storage.read_bytes(listed.uri, listed) == b"photograph"
    assert len(proxy.seen) == 4  # three answers of 503, and one request that was enough
    proxy.times = None
    proxy.seen.clear()
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE and len(proxy.seen) == 12


@pytest.mark.parametrize("work", ["list", "write", "create"])
def test_listing_and_writing_are_tried_as_often_as_reading(
    proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    proxy.fault, proxy.times = "error", 6
    if work == "list":
        assert [file.uri for file in storage.list_files(f"{bucket}/p")] == [f"{bucket}/p/a.jpg"]
    else:
        (storage.write_bytes if work == "write" else storage.create_bytes)(f"{bucket}/p/b.jpg", b"x")
        assert storage.read_bytes(f"{bucket}/p/b.jpg") == b"x"
    assert proxy.times == 0


@pytest.mark.parametrize("kind", [S3FileSystem, GCSFileSystem, AzureBlobFileSystem])
@pytest.mark.parametrize("name", ["info", "ls", "find", "pipe_file", "put_file", "rm"])
def test_no_operation_of_an_object_store_is_left_in_a_thread(kind: type, name: str) -> None:
    fs = kind.__new__(kind)
    mirror_sync_methods(fs)
    operation = getattr(fs, name)
    assert file_system_of(operation) is fs and file_system_of(partial(operation, mode="create")) is fs


def test_what_hangs_in_a_store_is_cancelled_at_its_deadline(proxy: FaultProxy, bucket: str) -> None:
    storage.set_object_timeout(0.5)
    proxy.fault = "silence"
    before = len(asyncio.all_tasks(s3fs.S3FileSystem().loop))
    for _ in range(3):
        with pytest.raises(NothingCommittedError):
            storage.write_bytes(f"{bucket}/p/b.jpg", b"x")
        with pytest.raises(ReadError):
            storage.stat(f"{bucket}/p/b.jpg")
    assert len(asyncio.all_tasks(s3fs.S3FileSystem().loop)) <= before


def test_a_call_that_hangs_on_a_disk_is_abandoned_and_their_number_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "_MAX_THREADS", 3)
    monkeypatch.setattr(deadlines, "_threads", deadlines._Threads())
    pipe = tmp_path / "nas"
    os.mkfifo(pipe)
    before = threading.active_count()
    for _ in range(8):
        with pytest.raises(TimeoutError):
            call_until(time.monotonic() + 0.05, pipe.read_bytes)  # opens only once somebody writes
    assert threading.active_count() <= before + 3
    os.close(os.open(pipe, os.O_RDWR))  # the disk answers again: one writer lets all waiting readers go on
    assert call_until(time.monotonic() + _BOUND, tmp_path.exists)


def test_blocks_share_the_earliest_deadline() -> None:
    soon = time.monotonic() + 5
    with no_later_than(soon):
        assert end_of_call() == soon
        with one_deadline(), no_later_than(None):
            assert end_of_call() == soon
        with no_later_than(soon - 100), pytest.raises(ReadError) as caught:
            storage.stat("/")
    assert caught.value.kind is ErrorKind.TIMEOUT and end_of_call() > soon


def test_a_run_that_failed_waits_less() -> None:
    storage.hurry()
    assert end_of_call() - time.monotonic() <= 10
    storage.set_object_timeout(storage.DEFAULT_SECONDS)
