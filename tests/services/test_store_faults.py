"""Every real store behind a network that fails: objects are read by version, and every call ends in time."""

import contextlib
import re
import time
from collections.abc import Iterator

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from tests.helpers.fault_proxy import FaultProxy, fault_proxy
from tests.helpers.stores import Store, variables

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_BOUND = 30.0  # seconds; without a deadline these tests would take minutes


@contextlib.contextmanager
def behind(store: Store) -> Iterator[FaultProxy]:
    """Puts a proxy before a store; skips the test for a disk."""
    addresses = {found for value in store.environment.values() for found in _ADDRESS.findall(value)}
    if not addresses:
        pytest.skip("a disk has no network")
    with fault_proxy(addresses.pop()) as proxy:
        moved = {name: _ADDRESS.sub(proxy.address, value) for name, value in store.environment.items()}
        with variables(moved):
            yield proxy
    storage.set_object_timeout(storage.DEFAULT_SECONDS)


@pytest.mark.parametrize("size", [10, 10_000_000])
def test_an_object_that_was_overwritten_with_as_many_bytes_has_changed(store: Store, size: int) -> None:
    with behind(store) as proxy:
        uri = f"{store.root}/changed/{size}.jpg"
        storage.write_bytes(uri, b"a" * size)
        (listed,) = storage.list_files(f"{store.root}/changed/{size}.jpg")
        proxy.forget_seen()
        assert storage.read_bytes(uri, listed) == b"a" * size
        assert len(proxy.seen) == 1
        storage.write_bytes(uri, b"b" * size)
        with pytest.raises(ReadError) as caught:
            storage.read_bytes(uri, listed)
        assert caught.value.kind is ErrorKind.CHANGED


@pytest.mark.parametrize("fault", ["silence", "drip", "reset", "redirect", "error"])
def test_no_fault_outlasts_the_deadline(store: Store, fault: str) -> None:
    with behind(store) as proxy:
        uri = f"{store.root}/late/a.jpg"
        storage.write_bytes(uri, bytes(1000))
        (listed,) = storage.list_files(f"{store.root}/late")
        proxy.fault = fault
        storage.set_object_timeout(0.7)
        began = time.monotonic()
        for call in (lambda: storage.read_bytes(uri, listed), lambda: list(storage.list_files(f"{store.root}/late"))):
            with pytest.raises(ReadError) as caught:
                call()
            assert caught.value.kind.is_transient
        if fault != "drip":  # the answer to a write may have no body
            with pytest.raises(NothingCommittedError):
                storage.write_bytes(uri, b"x")
        assert time.monotonic() - began < _BOUND
