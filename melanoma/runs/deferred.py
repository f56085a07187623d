"""Photographs that a run deferred, remembered so that they come first in the next one."""

import contextlib
from collections.abc import Iterable, Sequence

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from melanoma.runs.digests import PackedDigests, sorted_digests, unique
from melanoma.runs.run import Run
from melanoma.table.layout import OutputLayout

_MAX_BYTES = 1 << 30  # of the list, 16 a photograph


def write(run: Run, digests: Iterable[bytes]) -> None:
    """Replaces the deferred photographs of the runs before: those of its shard, or of all shards.

    A failure is ignored: without the file the next run only takes its photographs in another order.

    Args:
        run: The run that ends.
        digests: 16 bytes each, of (uri, version).
    """
    with contextlib.suppress(NothingCommittedError, ReadError):
        if len(known := unique(sorted_digests(digests))):
            storage.write_bytes(_uri(run), known.tobytes(), is_private=True)
        elif storage.exists(_uri(run)):
            storage.remove(_uri(run))
        for uri in _files(run.layout, run.layout.staging_of(run.fingerprint)) if run.shard is None else ():
            if uri != _uri(run):
                storage.remove(uri)


def read(run: Run) -> PackedDigests:
    """Returns the digests of what the last runs of all shards deferred; none where the store does not return them."""
    with contextlib.suppress(ReadError):
        return _digests_in(_files(run.layout, run.layout.staging_of(run.fingerprint)))
    return PackedDigests()


def read_own(run: Run) -> PackedDigests:
    """Returns what `read` returns, but of a run of one shard only what a run of the same shard deferred."""
    if run.shard is None:
        return read(run)
    with contextlib.suppress(ReadError):
        return _digests_in([_uri(run)])
    return PackedDigests()


def read_all(layout: OutputLayout) -> frozenset[bytes]:
    """Returns the digests of the photographs that the last run of any model deferred; none to whom may not read them.

    Raises:
        ReadError: The store does not answer.
    """
    try:
        files = _files(layout, layout.staging)
    except ReadError as error:
        if error.kind is ErrorKind.FORBIDDEN:
            return frozenset()
        raise
    return frozenset(_digests_in(files))


def _files(layout: OutputLayout, folder: str) -> list[str]:
    found = storage.list_files(folder) if storage.exists(folder) else ()
    return [stored.uri for stored in found if layout.is_deferred(stored.uri)]


def _digests_in(uris: Sequence[str]) -> PackedDigests:
    digests = PackedDigests()
    for uri in uris:
        digests.extend_packed(storage.read_small(uri, _MAX_BYTES))
    return digests


def _uri(run: Run) -> str:
    return run.layout.deferred(run.fingerprint, run.shard)
