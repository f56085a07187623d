"""What is done, what is staged, and what is tried again: asked of every listed photograph."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import MAY_HEAL
from melanoma.ingest.image_refs import ImageRef, adoption_key, digest_of
from melanoma.runs import deferred, staging
from melanoma.runs.retry_policy import next_try
from melanoma.runs.run import Run
from melanoma.table.forgotten import Forgotten
from melanoma.table.schema import PARTITION, SCORED, kept_names
from melanoma.table.score_table import ScoreTable

Digests = npt.NDArray[np.bytes_]
_DIGEST, _CLAIM = "S16", "S32"


class State(Enum):
    """What a run has to do with a photograph."""

    NEW = "new"
    DONE = "done"
    STAGED = "staged"


class Verdict(NamedTuple):
    """What the ledger says of one listed photograph.

    Attributes:
        state: What there is to do.
        attempt: Number of the next try, from 1.
        is_changed: The table knows its URI, but no such version of it.
        is_moved: The table knows its name and version, but under other URIs only.
        was_deferred: The night before put it off.
    """

    state: State
    attempt: int = 1
    is_changed: bool = False
    is_moved: bool = False
    was_deferred: bool = False


_DONE, _STAGED = Verdict(State.DONE), Verdict(State.STAGED)


@dataclass
class Past:
    """What one version of the table knows of a model's photographs, as digests.

    Attributes:
        done: Of (uri, version): need no further try.
        failed: Tries so far and date of the last one, of (uri, version) that are tried again.
        uris: Of the URIs of photographs that had a version.
        names: Of the (name, version) of the same.
    """

    done: list[bytes] = field(default_factory=list)
    failed: dict[bytes, tuple[int, datetime.date]] = field(default_factory=dict)
    uris: list[bytes] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)


class Ledger:
    """What one model has dealt with, as sorted arrays of 16 bytes an entry."""

    def __init__(
        self,
        past: Past,
        staged: Iterable[bytes] = (),
        leftover: Collection[bytes] = (),
        forgotten: Forgotten | None = None,
        tonight: datetime.date | None = None,
    ) -> None:
        """Sorts the digests.

        Args:
            past: Of the table.
            staged: Claims of the rows that a killed run left behind, see `inputs.claim_of`.
            leftover: Photographs that the night before put off.
            forgotten: Photographs that must not be scored.
            tonight: Date by which a failed photograph is due again; None where all of them are.
        """
        waiting = {
            digest
            for digest, (attempts, last) in past.failed.items()
            if tonight is not None and next_try(attempts, last) > tonight
        }
        self._done, self._staged = _sorted([*past.done, *waiting]), _sorted(staged, _CLAIM)
        self._uris, self._names = np.unique(_sorted(past.uris)), _sorted(past.names)
        self._failed, self._leftover, self._forgotten = past.failed, frozenset(leftover), forgotten

    @property
    def known(self) -> int:
        """Number of URIs that the table knows."""
        return len(self._uris)

    def look_up(self, refs: Sequence[ImageRef]) -> list[Verdict]:
        """Says of photographs what there is to do; what the table holds counts before what is staged."""
        digests = [digest_of(ref.uri, ref.version) for ref in refs]
        done, staged = _are_in(self._done, digests), _are_in(self._staged, [adoption_key_of(ref) for ref in refs])
        if self._forgotten is not None:
            done |= np.array([ref.uri in self._forgotten for ref in refs], bool)
        verdicts = [_DONE if is_done else _STAGED for is_done in done]
        fresh: list[int] = np.flatnonzero(~done & ~staged).tolist()
        known = _are_in(self._uris, [digest_of(refs[place].uri, "") for place in fresh])
        named = _are_in(self._names, [_name_digest(refs[place].uri, refs[place].version) for place in fresh])
        for place, is_known, is_named in zip(fresh, known.tolist(), named.tolist(), strict=True):
            verdicts[place] = self._new(refs[place], digests[place], is_known, is_named)
        return verdicts

    def _new(self, ref: ImageRef, digest: bytes, is_known: bool, is_named: bool) -> Verdict:
        tries = self._failed[digest][0] if digest in self._failed else 0
        is_changed = is_known and not tries and bool(ref.version)
        return Verdict(State.NEW, tries + 1, is_changed, is_named and not is_known, digest in self._leftover)


def load_ledgers(runs: Sequence[Run]) -> list[Ledger]:
    """Reads the ledger of every model of a run, from the version of the table that they were planned against."""
    table = ScoreTable.at(runs[0].layout, runs[0].table_version)
    return [load_ledger(run, table) for run in runs]


def load_ledger(run: Run, table: ScoreTable) -> Ledger:
    """Reads the ledger of one model.

    Args:
        run: Whose model counts; what killed runs of its fingerprint left staged is adopted.
        table: At the version that the run was planned against.
    """
    staged = () if run.rescore else (digest for rows in staging.foreign_rows(run) for digest in adoption_keys_in(rows))
    return Ledger(
        past_of(run, table),
        staged,
        deferred.read(run),
        Forgotten.read(run.layout),
        None if run.rescore or run.retry_failed else run.run_date,
    )


def past_of(run: Run, table: ScoreTable) -> Past:
    """Reads what one version of the table knows of a run's photographs.

    Args:
        run: Whose table, model and wishes count: one that rescores takes nothing as done, one that retries what failed
            takes as done what was scored.
        table: At the version that counts.
    """
    past = Past()
    for batch in table.ledger_rows(PARTITION, run.model_id):
        digests = np.array(digests_in(batch), dtype=object)
        done = _settled(run, batch)
        past.done += digests[done].tolist()
        tried = pa.array(~done)
        columns = (batch[name].filter(tried).to_pylist() for name in ("attempt", "run_date"))
        for digest, attempt, date in zip(digests[~done], *columns, strict=True):
            past.failed[digest] = max((attempt, date), past.failed.get(digest, (0, date)))
        named = [
            (uri, version)
            for uri, version in zip(batch["image_uri"].to_pylist(), batch["image_version"].to_pylist(), strict=True)
            if version
        ]
        past.uris += [digest_of(uri, "") for uri, _ in named]
        past.names += [_name_digest(uri, version) for uri, version in named]
    return past


def committed_since(run: Run, present: ScoreTable) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Says what other runs have committed since a run was planned.

    Args:
        run: Planned against an earlier version of the table.
        present: The table as it is now.

    Returns:
        Tries by digest of (uri, version): of photographs that need no further try, and of those that have failed.
    """
    planned = ScoreTable.at(run.layout, run.table_version)
    before, now = _tries(run, planned), _tries(run, present)
    done, failed = dict[bytes, int](), dict[bytes, int]()
    for digest, (attempt, is_settled) in now.items():
        if attempt > before.get(digest, (0, False))[0]:
            (done if is_settled else failed)[digest] = attempt
    return done, failed


def _tries(run: Run, table: ScoreTable) -> dict[bytes, tuple[int, bool]]:
    """Gives the last try of each photograph, and whether one of them settled it."""
    tries = dict[bytes, tuple[int, bool]]()
    for batch in table.ledger_rows(PARTITION, run.model_id):
        settled = _is_settled(batch).to_pylist()
        for digest, attempt, is_settled in zip(digests_in(batch), batch["attempt"].to_pylist(), settled, strict=True):
            last, was_settled = tries.get(digest, (0, False))
            tries[digest] = max(attempt, last), is_settled or was_settled
    return tries


def _settled(run: Run, rows: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    if run.rescore:
        return np.zeros(rows.num_rows, bool)
    settled = pa.compute.equal(rows["status"], SCORED) if run.retry_failed else _is_settled(rows)
    return np.asarray(settled.to_numpy(zero_copy_only=False), bool)


def _is_settled(rows: pa.RecordBatch) -> pa.Array:
    healing = pa.array([kind.value for kind in MAY_HEAL])
    return pa.compute.invert(pa.compute.is_in(rows["error_kind"], value_set=healing))


def digests_in(rows: pa.Table | pa.RecordBatch) -> list[bytes]:
    """Gives the digest of every row."""
    pairs = zip(rows["image_uri"].to_pylist(), rows["image_version"].to_pylist(), strict=True)
    return [digest_of(uri, version) for uri, version in pairs]


def adoption_keys_in(rows: pa.Table) -> list[bytes]:
    """Gives the claim of every row: a row whose manifest says something else by now is not to be adopted."""
    kept = [rows[name].to_pylist() for name in kept_names(rows.schema)]
    said = zip(*kept, strict=True) if kept else [()] * rows.num_rows
    named = zip(*(rows[name].to_pylist() for name in ("image_uri", "image_version", "image_id")), said, strict=True)
    return [adoption_key(*values) for values in named]


def adoption_key_of(ref: ImageRef) -> bytes:
    """Gives the claim of a listed photograph."""
    return adoption_key(ref.uri, ref.version, ref.image_id, ref.kept)


def _name_digest(uri: str, version: str) -> bytes:
    return digest_of(storage.name_of(uri), version)


def _sorted(digests: Iterable[bytes], kind: str = _DIGEST) -> Digests:
    return np.sort(np.array(list(digests), dtype=kind))


def _are_in(known: Digests, digests: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Tells which digests are known; compared as arrays, for a NumPy scalar forgets the zero bytes at its end."""
    asked = np.array(digests, dtype=known.dtype)
    if not len(known):
        return np.zeros(len(asked), bool)
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.asarray(known[places] == asked, bool)
