"""What a score table knows of the photographs of one model, in a form that a long listing can be compared with."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from melanoma.errors import ErrorKind
from melanoma.ingest.image_refs import DIGEST_BYTES, ImageRef, digest_of
from melanoma.runs import deferred
from melanoma.runs.digests import Digests, are_in, digests_in
from melanoma.runs.records import SUCCESSFUL
from melanoma.runs.run import started_at
from melanoma.runs.run_history import read_series
from melanoma.table.forgotten import Forgotten
from melanoma.table.schema import PARTITION, SCORED
from melanoma.table.score_table import ScoreTable


class Failure(NamedTuple):
    """The last failed attempt at one version of a photograph; the larger of two is the later one.

    Attributes:
        attempt: Its number, from 1.
        run_date: Local date of its run.
        kind: Why it failed.
    """

    attempt: int
    run_date: datetime.date
    kind: ErrorKind


class Match(NamedTuple):
    """What the table knows of a listed photograph.

    Attributes:
        is_scored: This version of it was scored.
        has_uri: The table has a version of it.
    """

    is_scored: bool
    has_uri: bool


@dataclass(frozen=True)
class KnownPhotographs:
    """The photographs of one model; 32 bytes each, and more for a failed one.

    Attributes:
        scored: Digests of (uri, version) that were scored, sorted.
        uris: Digests of the URIs of photographs that had a version, sorted.
        failed: The last failed attempt, by digest of (uri, version).
        deferred: Digests of (uri, version) that the last run of any model deferred.
        forgotten: The photographs that were erased; None if there are none.
        last_run: UTC start of the last run that succeeded; None if no record of one is left.
    """

    scored: Digests
    uris: Digests
    failed: dict[bytes, Failure]
    deferred: frozenset[bytes] = frozenset()
    forgotten: Forgotten | None = None
    last_run: datetime.datetime | None = None

    @classmethod
    def read(cls, table: ScoreTable, model_id: str) -> Self:
        """Reads what the table knows for one model.

        Raises:
            UsageError: A data file of the table is gone or damaged.
            ReadError: The store does not answer.
        """
        scored, uris, failed = [_no_digests()], [_no_digests()], dict[bytes, Failure]()
        for rows in table.ledger_rows(PARTITION, model_id):
            digests = _array(digests_in(rows))
            is_scored = np.asarray(pa.compute.equal(rows["status"], SCORED).to_numpy(zero_copy_only=False), bool)
            scored.append(digests[is_scored])
            uris.append(_uris_with_version(rows))
            _add_failures(failed, rows, ~is_scored)
        return cls(
            np.sort(np.concatenate(scored)),
            np.unique(np.concatenate(uris)),
            failed,
            deferred.read_all(table.layout),
            Forgotten.readable(table.layout),
            _last_run(table, model_id),
        )

    def look_up(self, refs: Sequence[ImageRef]) -> list[Match]:
        """Returns what the table knows of each photograph of a page."""
        is_scored = are_in(self.scored, [digest_of(ref.uri, ref.version) for ref in refs])
        has_uri = are_in(self.uris, [digest_of(ref.uri, "") for ref in refs])
        return list(map(Match, is_scored.tolist(), has_uri.tolist()))

    def is_forgotten(self, uri: str) -> bool:
        """Tells whether a photograph was erased and must not be named."""
        return self.forgotten is not None and uri in self.forgotten


def _no_digests() -> Digests:
    return _array([])


def _array(digests: Sequence[bytes]) -> Digests:
    return np.array(digests, dtype=f"S{DIGEST_BYTES}")


def _uris_with_version(rows: pa.RecordBatch) -> Digests:
    found = rows.filter(pa.compute.not_equal(rows["image_version"], ""))
    return _array([digest_of(uri, "") for uri in found["image_uri"].to_pylist()])


def _add_failures(failed: dict[bytes, Failure], rows: pa.RecordBatch, which: npt.NDArray[np.bool_]) -> None:
    tried = rows.filter(pa.array(which))
    columns = (tried[name].to_pylist() for name in ("attempt", "run_date", "error_kind"))
    for digest, attempt, date, kind in zip(digests_in(tried), *columns, strict=True):
        failure = Failure(attempt, date, ErrorKind(kind))
        failed[digest] = max(failure, failed.get(digest, failure))


def _last_run(table: ScoreTable, model_id: str) -> datetime.datetime | None:
    runs = [
        started_at(run["run_id"])
        for run in read_series(table.layout)
        if run["model_id"] == model_id and run["outcome"] in SUCCESSFUL
    ]
    return max(runs, default=None)
