"""One version of the score table, for reading."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_
from typing import Self

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
from deltalake import DeltaTable

from melanoma.errors import MelanomaError, UsageError
from melanoma.table.checked_dataset import checked
from melanoma.table.damage import broken_files
from melanoma.table.delta import READ_ERRORS, open_delta, read_error
from melanoma.table.layout import OutputLayout

_LEDGER_COLUMNS = ("image_uri", "image_version", "status", "error_kind", "error", "attempt", "run_date", "top_label")
# Arrow's own default holds two million rows.
_LITTLE_AHEAD = {"batch_size": 16_384, "batch_readahead": 1, "fragment_readahead": 1}


class Snapshot:
    """One version of the score table, or none where no run has committed yet.

    Attributes:
        layout: Of the table's folder.
    """

    def __init__(self, layout: OutputLayout, delta: DeltaTable | None) -> None:
        """Wraps a Delta table; use `open`, `at` or `in_folder`.

        Args:
            layout: Of the table's folder.
            delta: The table at its version; None where there is none.
        """
        self.layout, self._delta = layout, delta

    @classmethod
    def open(cls, layout: OutputLayout) -> Self:
        """Opens the newest version of the score table, if there is one.

        Raises:
            UsageError: The folder holds another Delta table.
            NothingCommittedError: The store does not answer, or the table's log is damaged.
        """
        return cls(layout, open_delta(layout))

    @classmethod
    def at(cls, layout: OutputLayout, version: int | None) -> Self:
        """Opens the version that a run was planned against.

        Args:
            layout: Of the table's folder.
            version: Of the table; None for "no table yet", even if there is one by now.

        Raises:
            UsageError: The folder holds another Delta table.
            NothingCommittedError: The store does not answer, the log is damaged, or the version no longer exists.
        """
        return cls(layout, None if version is None else open_delta(layout, version))

    @classmethod
    def in_folder(cls, uri: str) -> Self:
        """Opens the newest version of the score table in a folder, where there must be one.

        Args:
            uri: URI or path of the folder, as the user wrote it.

        Raises:
            UsageError: There is no score table.
            NothingCommittedError: The store does not answer, or the table's log is damaged.
        """
        table = cls.open(OutputLayout.at(uri))
        table._required()
        return table

    @property
    def version(self) -> int | None:
        """Number of the version, from 0; None where there is no table."""
        return None if self._delta is None else int(self._delta.version())

    def _required(self) -> DeltaTable:
        if self._delta is None:
            raise UsageError(
                f"{self.layout}: no score table there; check the path (`melanoma score --output …` creates one)"
            )
        return self._delta

    def dataset(self) -> pyarrow.dataset.Dataset:
        """Returns the rows for pandas, Polars, DuckDB or pyarrow.

        Raises:
            UsageError: There is no table.
        """
        return checked(self._required().to_pyarrow_dataset())

    def rows(self, columns: Sequence[str], where: pyarrow.dataset.Expression | None = None, **equal: str) -> pa.Table:
        """Reads some columns of some rows.

        Args:
            columns: To read; each must be one of the table.
            where: Condition on the rows; None for all.
            **equal: Columns with the text that they must hold as well.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        source = self.dataset()
        for name, value in equal.items():
            is_equal = pyarrow.compute.field(name) == value
            where = is_equal if where is None else where & is_equal
        try:
            found = source.to_table(columns=list(columns), filter=where)
            found.validate(full=True)  # a damaged file can hold text that is not Unicode, which Arrow does not check
        except READ_ERRORS as error:
            raise self.read_failure(error, source) from None
        return found

    def row_parts(self, columns: Sequence[str], most: int, **equal: str) -> Iterator[pa.Table]:
        """Reads some columns of some rows, a part at a time.

        Args:
            columns: To read; each must be one of the table.
            most: The most rows of a part, at least 1; only the last part has fewer, and none if there are no rows.
            **equal: Columns with the text that they must hold.

        Yields:
            The rows in their order.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        source, where = self.dataset(), [pyarrow.compute.field(name) == value for name, value in equal.items()]
        waiting = pa.schema([source.schema.field(name) for name in columns]).empty_table()
        for batch in self._translated(source, columns, reduce(and_, where), **_LITTLE_AHEAD):
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
            while waiting.num_rows > most:
                yield waiting.slice(0, most)
                waiting = waiting.slice(most)
        yield waiting

    def ledger_rows(self, column: str, value: str) -> Iterator[pa.RecordBatch]:
        """Streams the attempts on record; nothing where there is no table.

        Args:
            column: Column to choose rows by.
            value: Text that the column must hold.

        Yields:
            Batches with the columns image_uri, image_version, status, error_kind, error, attempt, run_date and
            top_label.

        Raises:
            UsageError: A data file of the table is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        if self._delta is not None:
            yield from self._batches(_LEDGER_COLUMNS, pyarrow.compute.field(column) == value)

    def _batches(
        self, columns: Sequence[str], where: pyarrow.dataset.Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Streams some columns of some rows, or of all; opens the table at once."""
        return self._translated(self.dataset(), columns, where)

    def _translated(
        self,
        source: pyarrow.dataset.Dataset,
        columns: Sequence[str],
        where: pyarrow.dataset.Expression | None,
        **reading: int,
    ) -> Iterator[pa.RecordBatch]:
        try:
            for batch in source.to_batches(columns=list(columns), filter=where, **reading):
                batch.validate(full=True)
                yield batch
        except READ_ERRORS as error:
            raise self.read_failure(error, source) from None

    def read_failure(self, error: Exception, source: pyarrow.dataset.Dataset) -> MelanomaError:
        """Returns what to raise for an error of reading rows: it names the data files that are gone or damaged.

        Args:
            error: Of Arrow or of a library that reads through it; its text is not repeated.
            source: What was read, as `dataset` returned it.

        Raises:
            UsageError: The store refuses access.
            NothingCommittedError: The store does not answer.
        """
        names = sorted(fragment.path for fragment in source.get_fragments())
        return read_error(self.layout, error, broken_files(self.layout, names))

    def holds(self, run_id: str) -> bool:
        """Tells whether a run has committed its rows."""
        return self._delta is not None and self._delta.transaction_version(run_id) is not None
