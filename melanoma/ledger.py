"""What is done, what is staged, and what is tried again: asked of every listed photograph."""

from collections.abc import Iterable, Iterator
from enum import Enum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from melanoma import scores, staging
from melanoma.errors import MAY_HEAL
from melanoma.inputs import ImageRef, digest_of
from melanoma.runs import Run
from melanoma.schema import PARTITION, SCORED

Digests = npt.NDArray[np.void]


class State(Enum):
    """What a run has to do with a photograph."""

    NEW = "new"
    DONE = "done"
    STAGED = "staged"


class Ledger:
    """Digests of (uri, version) that one model has dealt with, as sorted arrays: 16 bytes a photograph."""

    def __init__(self, done: Iterable[bytes], staged: Iterable[bytes], attempts: dict[bytes, int]) -> None:
        """Sorts the digests.

        Args:
            done: Rows of the table that need no further try.
            staged: Rows that a killed run left behind.
            attempts: Tries so far of photographs whose failure may have healed.
        """
        self._done, self._staged, self._attempts = _sorted(done), _sorted(staged), attempts

    def state(self, ref: ImageRef) -> State:
        """Tells what there is to do; what the table holds counts before what is staged."""
        digest = digest_of(ref.uri, ref.version)
        if _contains(self._done, digest):
            return State.DONE
        return State.STAGED if _contains(self._staged, digest) else State.NEW

    def attempt(self, ref: ImageRef) -> int:
        """Numbers the next try of a photograph, from 1."""
        return self._attempts.get(digest_of(ref.uri, ref.version), 0) + 1


def load_ledger(run: Run) -> Ledger:
    """Reads the table at the run's pinned version, and what killed runs left staged."""
    attempts: dict[bytes, int] = {}
    done = list(done_digests(run, run.table_version, attempts))
    return Ledger(done, (digest for rows in staging.foreign_rows(run) for digest in digests_in(rows)), attempts)


def done_digests(run: Run, version: int | None, attempts: dict[bytes, int] | None = None) -> Iterator[bytes]:
    """Gives the photographs that need no further try, as one version of the table knows them.

    Args:
        run: Whose table and model count.
        version: Of the table; None for no table.
        attempts: Filled with the tries of those that may succeed on another night.
    """
    if version is None:
        return
    for batch in scores.ledger_rows(run.output, version, PARTITION, run.model_id):
        rows = zip(
            digests_in(batch), *(batch[name].to_pylist() for name in ("status", "error_kind", "attempt")), strict=True
        )
        for digest, status, kind, attempt in rows:
            if status == SCORED or kind not in MAY_HEAL:
                yield digest
            elif attempts is not None:
                attempts[digest] = max(attempt, attempts.get(digest, 0))


def digests_in(rows: pa.Table | pa.RecordBatch) -> list[bytes]:
    """Gives the digest of every row."""
    pairs = zip(rows["image_uri"].to_pylist(), rows["image_version"].to_pylist(), strict=True)
    return [digest_of(uri, version) for uri, version in pairs]


def _sorted(digests: Iterable[bytes]) -> Digests:
    return np.sort(np.array(list(digests), dtype="S16"))


def _contains(digests: Digests, digest: bytes) -> bool:
    place = int(np.searchsorted(digests, np.bytes_(digest)))
    # As bytes: a NumPy scalar forgets the zero bytes at its end, and one digest in 256 has some.
    return digests[place : place + 1].tobytes() == digest
