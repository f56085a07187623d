"""The rows of one try to commit: streamed once, and counted in the same pass."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from melanoma.errors import NothingCommittedError
from melanoma.ingest import image_refs
from melanoma.runs import ledger, staging
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk


class Tally:
    """Counts rows by status, by kind of error and by class.

    Attributes:
        statuses: Rows by `status`.
        kinds: Failed rows by `error_kind`.
        classes: Scored rows by `top_label`.
        adopted: Rows that another run had staged.
    """

    def __init__(self) -> None:
        """Starts at nothing."""
        self.statuses, self.kinds, self.classes = Counter[str](), Counter[str](), Counter[str]()
        self.adopted = 0

    @property
    def total(self) -> int:
        """Rows so far."""
        return self.statuses.total()

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Counts rows that have the columns status, error_kind and top_label."""
        for counter, name in ((self.statuses, "status"), (self.kinds, "error_kind"), (self.classes, "top_label")):
            counter.update(value for value in rows[name].to_pylist() if value is not None)


class Rows:
    """What a run has staged and adopts, as rows of its own.

    Attributes:
        tally: Of the rows streamed.
        dropped: Rows left out because another run has committed them.
        duplicates: Rows left out because one worker staged what another one put aside to be adopted.
    """

    def __init__(
        self,
        run: Run,
        chunks: Collection[StagedChunk],
        adopted: Mapping[bytes, bytes],
        done: Collection[bytes],
        attempts: Mapping[bytes, int],
    ) -> None:
        """Names what is to be committed.

        Args:
            run: That commits.
            chunks: That it staged itself.
            adopted: Claims of what it takes over from others, by digest.
            done: Digests that have been committed since it was planned.
            attempts: Tries by digest that have been committed since then and failed.
        """
        self._run, self._chunks, self._wanted = run, chunks, adopted
        self._expected = sum(chunk.rows for chunk in chunks) + len(self._wanted)
        self._done, self._attempts = done, attempts
        self.tally, self.dropped, self.duplicates = Tally(), 0, 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Gives the rows as this run's own.

        Raises:
            NothingCommittedError: They are not as many as were expected.
        """
        waiting = set(self._wanted)
        for table in self._own():
            if waiting:
                waiting.difference_update(ledger.digests_in(table))
            yield from self._settled(table)
        own, self.duplicates = self.tally.total, len(self._wanted) - len(waiting)
        for table in self._adopted(waiting) if waiting else ():
            yield from self._settled(table)
        self.tally.adopted = self.tally.total - own
        found = self.tally.total + self.dropped + self.duplicates
        if found != self._expected:
            raise NothingCommittedError(
                f"{self._expected} rows were staged, {found} are still there; nothing was committed, start again"
            )

    def _own(self) -> Iterator[pa.Table]:
        for chunk in sorted((chunk for chunk in self._chunks if chunk.rows), key=lambda chunk: chunk.number):
            table = staging.read_chunk(staging.chunk_uri(self._run, chunk.number), self._run.schema)
            if table is None or table.num_rows != chunk.rows:
                raise NothingCommittedError(
                    f"{self._run.layout}: staged chunk {chunk.number} is gone or damaged; nothing was committed, "
                    "start again"
                )
            yield table

    def _adopted(self, waiting: set[bytes]) -> Iterator[pa.Table]:
        for table in staging.foreign_rows(self._run):
            keep = []
            for claim in ledger.adoption_keys_in(table):
                digest = claim[: image_refs.DIGEST_BYTES]
                keep.append(digest in waiting and self._wanted[digest] == claim)
                waiting -= {digest} if keep[-1] else set()
            yield table.filter(pa.array(keep, pa.bool_()))
        # Another run may have committed and cleaned up what was to be adopted; the table has it then.
        self.dropped += len(waiting & set(self._done))

    def _settled(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        """Leaves out what is done, numbers what was tried meanwhile, and counts the rest."""
        if self._done:
            fresh = [digest not in self._done for digest in ledger.digests_in(table)]
            self.dropped += len(fresh) - sum(fresh)
            table = table.filter(pa.array(fresh, pa.bool_()))
        if self._attempts:
            tries = zip(table["attempt"].to_pylist(), ledger.digests_in(table), strict=True)
            table = _with(table, "attempt", [max(n, self._attempts.get(digest, 0) + 1) for n, digest in tries])
        self.tally.add(table)
        for name, value in (("run_id", self._run.run_id), ("run_date", self._run.run_date)):
            table = _with(table, name, [value] * table.num_rows)
        yield from table.to_batches()


def _with(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    field = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
