"""The rows of one attempt to commit: streamed once, and counted in the same pass."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from melanoma.errors import NothingCommittedError
from melanoma.runs import staging
from melanoma.runs.adoption import Adoption
from melanoma.runs.attempts import Progress
from melanoma.runs.digests import adoption_keys_in, digests_in
from melanoma.runs.run import Run
from melanoma.runs.seals import Seal
from melanoma.runs.staging import StagedChunk
from melanoma.wording import are, counted


@dataclass
class Tally:
    """Counts rows by status, by kind of error and by class.

    Attributes:
        statuses: Rows by `status`.
        kinds: Failed rows by `error_kind`.
        classes: Scored rows by `top_label`.
        adopted: Rows that another run had staged.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    adopted: int = 0

    @property
    def total(self) -> int:
        """Number of rows so far."""
        return self.statuses.total()

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Counts rows that have the columns status, error_kind and top_label."""
        for counter, name in ((self.statuses, "status"), (self.kinds, "error_kind"), (self.classes, "top_label")):
            counter.update(value for value in rows[name].to_pylist() if value is not None)


class CommitRows:
    """What a run has staged and adopts, as rows of its own.

    Attributes:
        tally: Counts of the rows streamed.
        dropped: Rows left out because another run has committed them.
        duplicates: Rows left out because one worker staged what another one had set aside to be adopted.
    """

    def __init__(
        self,
        run: Run,
        chunks: Collection[StagedChunk],
        adoption: Adoption,
        since: Progress,
    ) -> None:
        """Names what is to be committed.

        Args:
            run: The run that commits.
            chunks: What it has staged itself.
            adoption: What it takes over from other runs.
            since: What other runs have committed since it was planned.
        """
        self._run, self._chunks, self._adoption, self._since = run, chunks, adoption, since
        self._expected = sum(chunk.rows for chunk in chunks) + len(adoption)
        self.tally, self.dropped, self.duplicates = Tally(), 0, 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields the rows, as this run's own.

        Raises:
            NothingCommittedError: There are not as many as were expected.
        """
        self._adoption.wait_again()
        for table in self._own():
            if len(self._adoption):
                self.duplicates += self._adoption.settle(digests_in(table))
            yield from self._settled(table)
        own = self.tally.total
        for table in self._adopted() if self._adoption.waiting else ():
            yield from self._settled(table)
        self.tally.adopted = self.tally.total - own
        found = self.tally.total + self.dropped + self.duplicates
        if found != self._expected:
            raise NothingCommittedError(
                f"{counted(self._expected, 'row')} {'was' if self._expected == 1 else 'were'} staged, {found} "
                f"{are(found)} still there; nothing was committed, start again"
            )

    def _own(self) -> Iterator[pa.Table]:
        seal = Seal.known_to(self._run.layout)
        for chunk in sorted((chunk for chunk in self._chunks if chunk.rows), key=lambda chunk: chunk.number):
            table = staging.read_chunk(self._run, staging.chunk_uri(self._run, chunk.number), seal)
            if table is None or table.num_rows != chunk.rows:
                raise NothingCommittedError(
                    f"{self._run.layout}: staged chunk {chunk.number} is gone or damaged; nothing was committed, "
                    "start again"
                )
            yield table

    def _adopted(self) -> Iterator[pa.Table]:
        for table in staging.foreign_rows(self._run):
            yield table.filter(pa.array(self._adoption.take(adoption_keys_in(table))))
        # Another run may have committed what was to be adopted, and removed the staged file; then the table has it.
        self.dropped += self._adoption.settle(list(self._since.done))

    def _settled(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        """Leaves out what is done, renumbers what was tried meanwhile, and counts the rest."""
        if self._since.done:
            fresh = [digest not in self._since.done for digest in digests_in(table)]
            self.dropped += len(fresh) - sum(fresh)
            table = table.filter(pa.array(fresh, pa.bool_()))
        if self._since.failed:
            attempts = zip(table["attempt"].to_pylist(), digests_in(table), strict=True)
            renumbered = [max(attempt, self._since.failed.get(digest, 0) + 1) for attempt, digest in attempts]
            table = _with(table, "attempt", renumbered)
        self.tally.add(table)
        for name, value in (("run_id", self._run.run_id), ("run_date", self._run.run_date)):
            table = _with(table, name, [value] * table.num_rows)
        yield from table.to_batches()


def _with(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    column = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), column, pa.array(values, column.type))
