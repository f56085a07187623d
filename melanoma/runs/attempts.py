"""What one version of the score table knows of a model's photographs: what is done, and what has failed."""

import datetime
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from melanoma.ingest.image_refs import digest_of
from melanoma.runs.digests import PackedDigests, digests_in, name_digest
from melanoma.runs.retry_policy import is_settled
from melanoma.runs.run import Run
from melanoma.table.schema import PARTITION, SCORED
from melanoma.table.score_table import ScoreTable


class FailedAttempt(NamedTuple):
    """The last attempt of a photograph that is retried.

    Attributes:
        attempt: Number of attempts so far.
        run_date: Local date of the run that made the last one.
    """

    attempt: int
    run_date: datetime.date


@dataclass
class PastAttempts:
    """What one version of the table knows of a model's photographs, as digests.

    Attributes:
        done: Digests of (uri, version) that need no further attempt.
        failed: The last attempt by digest of (uri, version), of photographs that are retried.
        uris: Digests of the URIs of photographs that had a version.
        names: Digests of (name, version) of the same.
    """

    done: PackedDigests = field(default_factory=PackedDigests)
    failed: dict[bytes, FailedAttempt] = field(default_factory=dict)
    uris: PackedDigests = field(default_factory=PackedDigests)
    names: PackedDigests = field(default_factory=PackedDigests)

    def add(self, rows: pa.RecordBatch, is_done: npt.NDArray[np.bool_]) -> None:
        """Adds rows of the table.

        Args:
            rows: With the columns of `Snapshot.ledger_rows`.
            is_done: bool, whether each needs no further attempt.
        """
        digests = np.array(digests_in(rows), dtype=object)
        self.done.extend(digests[is_done])
        tried = pa.array(~is_done)
        columns = (rows[name].filter(tried).to_pylist() for name in ("attempt", "run_date"))
        for digest, attempt, date in zip(digests[~is_done], *columns, strict=True):
            self.failed[digest] = max(FailedAttempt(attempt, date), self.failed.get(digest, FailedAttempt(0, date)))
        pairs = zip(rows["image_uri"].to_pylist(), rows["image_version"].to_pylist(), strict=True)
        with_version = [(uri, version) for uri, version in pairs if version]
        self.uris.extend(digest_of(uri, "") for uri, _ in with_version)
        self.names.extend(name_digest(uri, version) for uri, version in with_version)


def past_attempts(run: Run, table: ScoreTable) -> PastAttempts:
    """Reads what the table knows of a run's photographs.

    Args:
        run: Its model and its flags count. With `rescore`, no photograph counts as done; with `retry_failed`, only
            those that were scored.
        table: The version that the run was planned against.

    Raises:
        UsageError: A data file of the table is gone or damaged.
        NothingCommittedError: The store does not answer.
    """
    past = PastAttempts()
    for rows in table.ledger_rows(PARTITION, run.model_id):
        past.add(rows, _is_done(run, rows))
    return past


class Progress(NamedTuple):
    """What other runs have committed since a run was planned.

    Attributes:
        done: Number of attempts by digest, of photographs that need no further one.
        failed: The same of photographs that are retried.
    """

    done: dict[bytes, int]
    failed: dict[bytes, int]


def committed_since(run: Run, present: ScoreTable) -> Progress:
    """Compares the table with the version that a run was planned against.

    Args:
        run: Planned against an earlier version.
        present: The table as it is now.

    Raises:
        UsageError: A data file of the table is gone or damaged.
        NothingCommittedError: The store does not answer.
    """
    before, now = _last_attempts(run, ScoreTable.at(run.layout, run.table_version)), _last_attempts(run, present)
    progress = Progress({}, {})
    for digest, last in now.items():
        if digest not in before or last.attempt > before[digest].attempt:
            (progress.done if last.is_settled else progress.failed)[digest] = last.attempt
    return progress


class _Last(NamedTuple):
    attempt: int
    is_settled: bool


def _last_attempts(run: Run, table: ScoreTable) -> dict[bytes, _Last]:
    """Returns the last attempt of each photograph, and whether any attempt settled it."""
    found = dict[bytes, _Last]()
    for rows in table.ledger_rows(PARTITION, run.model_id):
        settled = is_settled(rows).to_pylist()
        for digest, attempt, is_last in zip(digests_in(rows), rows["attempt"].to_pylist(), settled, strict=True):
            last = found.get(digest, _Last(0, False))
            found[digest] = _Last(max(attempt, last.attempt), is_last or last.is_settled)
    return found


def _is_done(run: Run, rows: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    if run.rescore:
        return np.zeros(rows.num_rows, bool)
    done = pa.compute.equal(rows["status"], SCORED) if run.retry_failed else is_settled(rows)
    return np.asarray(done.to_numpy(zero_copy_only=False), bool)
