"""Checks of the output folder: other runs, writing, atomic creation, the store's clock, and a commit."""

import contextlib
import datetime
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError
from melanoma.model.bundle import Bundle
from melanoma.operations.checks import Check, Result
from melanoma.runs import heartbeats
from melanoma.runs.seals import Seal
from melanoma.shards import Shard
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.schema import COLUMNS, score_schema
from melanoma.table.score_table import ConflictError, ScoreTable, overwritten

_MAX_SKEW = 120  # seconds
_GRANT_DELETION = "grant the right to delete, too; without it a run leaves its heartbeat, which holds the next one"
_WRITERS, _ROUNDS = 3, 3
_MAX_ROUNDS, _RACE_SECONDS = 10, 10.0  # in a bucket, where some gateways keep two writers apart most of the time only


@contextlib.contextmanager
def leaving_no_folders(output: str) -> Iterator[None]:
    """Removes the empty folders that trying out the output in the block has created on a local disk."""
    created = _missing_folders(output)
    try:
        yield
    finally:
        for folder in created:
            with contextlib.suppress(OSError):  # a run that started meanwhile uses it, or it was never created
                folder.rmdir()


def _missing_folders(output: str) -> list[Path]:
    """Returns the local folders that writing to the output would create, innermost first; none in another store."""
    try:
        local = storage.local_path(OutputLayout.at(output).staging)
    except (MelanomaError, PhotographError):  # a check of its own reports it
        return []
    return [] if local is None else [path for path in (Path(local), *Path(local).parents) if not path.exists()]


def check_other_runs(layout: OutputLayout, shard: Shard | None = None) -> Check:
    """Looks for a run that is active on the output; those of other shards are in nobody's way."""
    beats = heartbeats.active(layout, shard)
    if beats:
        found = f"run {beats[0].run_id} is active, last heartbeat {beats[0].last_seen}"
        return Check("other nights", Result.WARN, found, "wait until it has ended; a run started now exits with code 3")
    return Check("other nights", Result.PASS, "no other run is active on this output")


def check_output(layout: OutputLayout) -> Check:
    """Writes a file, creates one twice, removes both, and looks whether they are gone."""
    storage.check_committable(layout.name, layout.probe())
    trial = layout.trial()
    probe = trial.probe()
    now = datetime.datetime.now(datetime.UTC)
    try:
        storage.create_bytes(probe, b"first")
        storage.create_bytes(probe, b"second")
        is_atomic = storage.read_bytes(probe) == b"first"
        modified = storage.stat(probe).modified
    finally:
        storage.remove(trial.root)
    if storage.exists(probe):
        return Check("output", Result.FAIL, "writable, but nothing can be removed there", _GRANT_DELETION)
    return judge_output(is_atomic, now if modified is None else modified, now)


def judge_output(is_atomic: bool, modified: datetime.datetime, now: datetime.datetime) -> Check:
    """Judges the results of trying out the output folder.

    Args:
        is_atomic: Whether creating a file a second time left the first one unchanged.
        modified: Modification time of the file according to the store.
        now: Time of its creation according to this machine's clock.
    """
    if not is_atomic:
        found = "writable, but atomic create does not work: a second create replaced the first"
        return Check(
            "output",
            Result.FAIL,
            found,
            "choose another store for --output; on this one, two runs could commit at the same time",
        )
    skew = abs((modified - now).total_seconds())
    if skew > _MAX_SKEW:
        found = f"the clocks of this machine and of the store differ by {skew:,.0f} seconds"
        return Check("output", Result.WARN, found, "set this machine's clock; heartbeats and --since depend on it")
    return Check("output", Result.PASS, "writable; atomic create works")


def check_reports(layout: OutputLayout) -> Check:
    """Writes a file beside the reports and reads the key of the pseudonyms, where an earlier run has made them."""
    if storage.exists(layout.reports):
        storage.check_writable(layout.name, storage.join(layout.reports, storage.name_of(layout.probe())))
    if Pseudonyms.known_to(layout) is not None:
        Seal.known_to(layout)
        return Check("reports", Result.PASS, "the reports can be written and the key of their pseudonyms read")
    return Check("reports", Result.PASS, "the reports can be written")


def check_commit(layout: OutputLayout, bundle: Bundle) -> Check:
    """Commits one row to a temporary score table inside the output folder, reads it back and removes the table."""
    trial = layout.trial()
    schema = score_schema(bundle.slugs)
    try:
        ScoreTable.open(trial).append("doctor", schema, iter(_one_row(bundle, schema)))
        count = ScoreTable.open(trial).rows(["run_id"]).num_rows
    finally:
        storage.remove(trial.root)
    if count != 1:
        found = f"committed 1 row, but read back {count}"
        return Check("table", Result.FAIL, found, "choose another store for --output")
    return Check("table", Result.PASS, "wrote a commit, read it back and removed it")


def _one_row(bundle: Bundle, schema: pa.Schema) -> list[pa.RecordBatch]:
    now = datetime.datetime.now(datetime.UTC)
    own = {"run_date": now.date(), "scored_at": now, "attempt": 1, "model_id": bundle.model_id}
    row = {column.name: own.get(column.name, "doctor") for column in COLUMNS if not column.nullable}
    return list(pa.Table.from_pylist([row], schema=schema).to_batches())


def check_race(layout: OutputLayout, bundle: Bundle) -> Check:
    """Lets three writers commit to a temporary score table at once, several times; exactly one may succeed."""
    trial, schema = layout.trial(), score_schema(bundle.slugs)
    rows = _one_row(bundle, schema)
    try:
        ScoreTable.open(trial).append("doctor", schema, iter(rows))
        rounds = list(_races(trial, rows))
    finally:
        storage.remove(trial.root)
    if not rounds[-1].is_right:
        won, kept = sum(rounds[-1].won), sum(rounds[-1].kept)
        found = f"of {_WRITERS} writers that committed at once, {won} succeeded and {kept} left their rows"
        return Check("race", Result.FAIL, found, "choose another store for --output; this one loses commits")
    return Check(
        "race", Result.PASS, f"of {_WRITERS} writers that committed at once, one succeeded, in {len(rounds)} rounds"
    )


class _Race(NamedTuple):
    """What became of the writers: which of them were told that they succeeded, and whose rows are in the table."""

    won: list[bool]
    kept: list[bool]

    @property
    def is_right(self) -> bool:
        """Whether exactly one writer succeeded, and left its rows."""
        return sum(self.won) == 1 and self.kept == self.won


def _races(layout: OutputLayout, rows: Sequence[pa.RecordBatch]) -> Iterator[_Race]:
    """Yields the results of several rounds, up to the first that went wrong."""
    began, rounds = time.monotonic(), _ROUNDS if storage.local_path(layout.root) else _MAX_ROUNDS
    for number in range(rounds):
        if number >= _ROUNDS and time.monotonic() - began > _RACE_SECONDS:
            return
        found = _race(layout, f"doctor-{number}", rows)
        yield found
        if not found.is_right:
            return


def _race(layout: OutputLayout, name: str, rows: Sequence[pa.RecordBatch]) -> _Race:
    names = [f"{name}-{number}" for number in range(_WRITERS)]
    planned = [ScoreTable.open(layout) for _ in names]
    with ThreadPoolExecutor(_WRITERS) as pool:
        won = list(pool.map(_commits, planned, names, [rows] * _WRITERS))
    table = ScoreTable.open(layout)
    return _Race(won, list(map(table.holds, names)))


def _commits(table: ScoreTable, name: str, rows: Sequence[pa.RecordBatch]) -> bool:
    """Tells whether a writer was told that its commit succeeded."""
    try:
        table.append(name, rows[0].schema, iter(rows))
    except ConflictError:
        return False
    except NothingCommittedError as error:
        if str(error) != str(overwritten(table.layout)):
            raise
    return True
