"""The ledger: for every listed photograph, whether it is done, staged, or still to be scored."""

import datetime
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np

from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.runs import deferred, staging
from melanoma.runs.attempts import PastAttempts, past_attempts
from melanoma.runs.digests import (
    ADOPTION_KEY_BYTES,
    adoption_key_of,
    adoption_keys_in,
    are_in,
    name_digest,
    sorted_digests,
    unique,
)
from melanoma.runs.retry_policy import next_try
from melanoma.runs.run import Run
from melanoma.table.forgotten import Forgotten
from melanoma.table.score_table import ScoreTable


class State(Enum):
    """What a run has to do with a photograph."""

    NEW = "new"
    DONE = "done"
    STAGED = "staged"


class Verdict(NamedTuple):
    """What the ledger knows of one listed photograph.

    Attributes:
        state: What there is to do.
        attempt: Number of the next attempt, from 1.
        is_changed: The table knows its URI, but not this version of it.
        is_moved: The table knows its name and version, but under other URIs only.
        was_deferred: An earlier run deferred it.
    """

    state: State
    attempt: int = 1
    is_changed: bool = False
    is_moved: bool = False
    was_deferred: bool = False


_DONE, _STAGED = Verdict(State.DONE), Verdict(State.STAGED)


class Ledger:
    """What one model has dealt with, as sorted arrays of digests."""

    def __init__(
        self,
        past: PastAttempts,
        staged: Iterable[bytes] = (),
        deferred_digests: Iterable[bytes] = (),
        forgotten: Forgotten | None = None,
        today: datetime.date | None = None,
    ) -> None:
        """Sorts the digests.

        Args:
            past: What the table knows.
            staged: Adoption keys of the rows that killed runs left behind, see `image_refs.adoption_key`.
            deferred_digests: Digests of the photographs that an earlier run deferred.
            forgotten: Photographs that must not be scored.
            today: Date by which a failed photograph is due again; None where all of them are.
        """
        waiting = {
            digest
            for digest, last in past.failed.items()
            if today is not None and next_try(last.attempt, last.run_date) > today
        }
        self._done, self._waiting = past.done.sorted(), sorted_digests(waiting)
        self._staged = sorted_digests(staged, ADOPTION_KEY_BYTES)
        self._uris, self._names = unique(past.uris.sorted()), past.names.sorted()
        self._failed, self._deferred, self._forgotten = past.failed, sorted_digests(deferred_digests), forgotten

    @property
    def known(self) -> int:
        """Number of URIs that the table knows."""
        return len(self._uris)

    @property
    def has_deferred(self) -> bool:
        """Whether an earlier run deferred photographs, which come first in this one."""
        return len(self._deferred) > 0

    def look_up(self, refs: Sequence[ImageRef]) -> list[Verdict]:
        """Returns what there is to do with each photograph; what the table holds counts before what is staged."""
        digests = [digest_of(ref.uri, ref.version) for ref in refs]
        done = are_in(self._done, digests) | are_in(self._waiting, digests)
        staged = are_in(self._staged, [adoption_key_of(ref) for ref in refs])
        if self._forgotten is not None:
            done |= np.array([ref.uri in self._forgotten for ref in refs], bool)
        verdicts = [_DONE if is_done else _STAGED for is_done in done]
        fresh: list[int] = np.flatnonzero(~done & ~staged).tolist()
        known = are_in(self._uris, [digest_of(refs[place].uri, "") for place in fresh])
        named = are_in(self._names, [name_digest(refs[place].uri, refs[place].version) for place in fresh])
        deferred_before = are_in(self._deferred, [digests[place] for place in fresh])
        facts = zip(fresh, known.tolist(), named.tolist(), deferred_before.tolist(), strict=True)
        for place, is_known, is_named, was_deferred in facts:
            new = self._new(refs[place], digests[place], is_known, is_named)
            verdicts[place] = new._replace(was_deferred=was_deferred)
        return verdicts

    def _new(self, ref: ImageRef, digest: bytes, is_known: bool, is_named: bool) -> Verdict:
        attempts = self._failed[digest].attempt if digest in self._failed else 0
        return Verdict(
            state=State.NEW,
            attempt=attempts + 1,
            is_changed=is_known and not attempts and bool(ref.version),
            is_moved=is_named and not is_known,
        )


def load_ledgers(runs: Sequence[Run]) -> list[Ledger]:
    """Reads the ledger of every model, from the one version of the table that all were planned against.

    Raises:
        UsageError: A data file of the table is gone or damaged.
        NothingCommittedError: The store does not answer.
    """
    table = ScoreTable.at(runs[0].layout, runs[0].table_version)
    return [load_ledger(run, table) for run in runs]


def load_ledger(run: Run, table: ScoreTable) -> Ledger:
    """Reads the ledger of one model.

    Args:
        run: Its model counts; it resumes what killed runs of its fingerprint left staged, unless it rescores.
        table: The version that the run was planned against.

    Raises:
        UsageError: A data file of the table is gone or damaged.
        NothingCommittedError: The store does not answer.
    """
    staged = () if run.rescore else (key for rows in staging.foreign_rows(run) for key in adoption_keys_in(rows))
    return Ledger(
        past_attempts(run, table),
        staged,
        deferred.read(run),
        Forgotten.read(run.layout),
        None if run.rescore or run.retry_failed else run.run_date,
    )
