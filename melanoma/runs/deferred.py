"""Photographs that a night put off, remembered so that they come first on the next one."""

import contextlib
from collections.abc import Collection

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError
from melanoma.runs.run import Run

_DIGEST = 16


def write(run: Run, digests: Collection[bytes]) -> None:
    """Replaces what the night before put off.

    Args:
        run: That ends.
        digests: 16 bytes each, of (uri, version).
    """
    # An order that is lost costs nothing else.
    with contextlib.suppress(NothingCommittedError, ReadError):
        if digests:
            storage.write_bytes(_uri(run), b"".join(sorted(digests)))
        elif storage.exists(_uri(run)):
            storage.remove(_uri(run))


def read(run: Run) -> frozenset[bytes]:
    """Gives what the night before put off."""
    with contextlib.suppress(ReadError):
        data = storage.read_bytes(_uri(run))
        return frozenset(data[place : place + _DIGEST] for place in range(0, len(data), _DIGEST))
    return frozenset()


def _uri(run: Run) -> str:
    return run.layout.deferred(run.fingerprint)
