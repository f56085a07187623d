"""One version of the score table, for reading; a door to Delta Lake."""

import re
from collections.abc import Iterator, Sequence
from typing import Self

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, UsageError
from melanoma.table.history import Version, version_of
from melanoma.table.layout import OutputLayout
from melanoma.table.models import PROMOTED, ModelFacts, models_in
from melanoma.table.schema import COLUMNS, PARTITION

REFUSALS = (DeltaError, OSError)
_LEDGER_COLUMNS = ("image_uri", "image_version", "status", "error_kind", "attempt", "run_date", "top_label")


class Snapshot:
    """One version of the score table; or none, where no run has committed yet."""

    def __init__(self, layout: OutputLayout, delta: DeltaTable | None) -> None:
        """Wraps a Delta table, which stays at its version.

        Args:
            layout: Of the table's folder.
            delta: The table; None where there is none.
        """
        self.layout, self._delta = layout, delta
        self.version: int | None = None if delta is None else int(delta.version())

    @classmethod
    def open(cls, layout: OutputLayout) -> Self:
        """Opens the present version of the score table, if there is one.

        Raises:
            UsageError: There is a Delta table, but not one of scores.
            NothingCommittedError: The store does not answer, or the table's log is damaged.
        """
        return cls._opened(layout, None)

    @classmethod
    def at(cls, layout: OutputLayout, version: int | None) -> Self:
        """Opens the version that a run was planned against.

        Args:
            layout: Of the table's folder.
            version: Of the table; None for "no table yet", whatever lies there by now.

        Raises:
            UsageError: There is a Delta table, but not one of scores.
            NothingCommittedError: The store does not answer, or the table's log is damaged.
        """
        return cls(layout, None) if version is None else cls._opened(layout, version)

    @classmethod
    def _opened(cls, layout: OutputLayout, version: int | None) -> Self:
        location, options = storage.delta_location(layout.root)
        try:
            delta = DeltaTable(location, version=version, storage_options=options)
        except TableNotFoundError:
            return cls(layout, None)
        except REFUSALS as error:
            found = f"{layout}: the score table cannot be opened ({type(error).__name__})"
            raise NothingCommittedError(found) from None
        names = {field.name for field in delta.schema().fields}
        if missing := [column.name for column in COLUMNS if column.name not in names]:
            found = f"{layout}: a Delta table lies there that lacks {', '.join(missing)}"
            raise UsageError(f"{found}; choose another folder for the score table")
        return cls(layout, delta)

    @classmethod
    def in_folder(cls, uri: str) -> Self:
        """Opens the present version of the score table in a folder, where there must be one.

        Args:
            uri: URI or path of the folder, as the user wrote it.

        Raises:
            UsageError: There is none.
            NothingCommittedError: The store does not answer, or the table's log is damaged.
        """
        table = cls.open(OutputLayout.at(uri))
        table._required()
        return table

    def _required(self) -> DeltaTable:
        if self._delta is None:
            raise UsageError(f"{self.layout}: no score table there; `melanoma score --output {self.layout}` makes one")
        return self._delta

    def dataset(self) -> pyarrow.dataset.Dataset:
        """Returns the rows for pandas, Polars, DuckDB or pyarrow.

        Raises:
            UsageError: There is no table.
        """
        return self._required().to_pyarrow_dataset()

    def rows(self, columns: Sequence[str], wanted: pyarrow.dataset.Expression | None = None, **equal: str) -> pa.Table:
        """Reads some columns of some rows.

        Args:
            columns: To read; each must be one of the table.
            wanted: Which rows; None for all.
            **equal: Columns with the text that they must have.

        Raises:
            UsageError: There is no table, or a data file of it is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        source = self.dataset()
        for name, value in equal.items():
            is_equal = pyarrow.compute.field(name) == value
            wanted = is_equal if wanted is None else wanted & is_equal
        try:
            return source.to_table(columns=list(columns), filter=wanted)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def ledger_rows(self, column: str, value: str) -> Iterator[pa.RecordBatch]:
        """Streams what has been tried; nothing where there is no table.

        Args:
            column: To choose rows by.
            value: That the column must have.

        Yields:
            Batches with the columns image_uri, image_version, status, error_kind, attempt, run_date and top_label.

        Raises:
            UsageError: A data file of the table is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        if self._delta is None:
            return
        wanted = pyarrow.compute.field(column) == value
        try:
            yield from self.dataset().to_batches(columns=list(_LEDGER_COLUMNS), filter=wanted)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> MelanomaError:
        if not isinstance(error, pa.ArrowInvalid | FileNotFoundError):
            return NothingCommittedError(f"{self.layout}: the score table cannot be read ({type(error).__name__})")
        what = "gone" if isinstance(error, FileNotFoundError) else "damaged"
        files = sorted(set(re.findall(rf"{PARTITION}=[^/\s']+/[^/\s']+?\.parquet", str(error))))
        return UsageError(
            f"{self.layout}: a data file of the score table is {what} ({', '.join(files) or 'its name is not known'}); "
            "docs/use/scheduling.md says what to do"
        )

    def holds(self, run_id: str) -> bool:
        """Tells whether a run has committed its rows."""
        return self._delta is not None and self._delta.transaction_version(run_id) is not None

    def knows_under(self, root: str) -> bool:
        """Tells whether the table holds a photograph below a root or glob."""
        if self._delta is None:
            return False
        is_below = storage.below(root)
        batches = self.dataset().to_batches(columns=["image_uri"])
        return any(is_below(uri) for batch in batches for uri in batch["image_uri"].to_pylist())

    def check_types(self, wanted: pa.Schema) -> None:
        """Checks that columns to be carried into the table have the types that they have there.

        Raises:
            UsageError: One has not.
        """
        schema = self.dataset().schema if wanted.names and self._delta is not None else pa.schema([])
        present = {field.name.lower(): field for field in schema}
        for field in wanted:
            known = present.get(field.name.lower(), field)
            if (known.name, known.type) != (field.name, field.type):
                raise UsageError(
                    f"--keep {field.name}: is {field.type} in the manifest, the table has {known.name} as "
                    f"{known.type}; convert or rename it in the manifest"
                )

    def models(self) -> list[ModelFacts]:
        """Returns what the table holds of each model, the one that was first in it at the front.

        Raises:
            UsageError: There is no table.
        """
        return models_in(self.rows([PARTITION, "run_id"]), self._chosen())

    def promoted(self) -> str | None:
        """Returns the model whose probabilities count: the promoted one, else the first in the table; None for none.

        Raises:
            UsageError: There is no table.
        """
        return self._chosen() or next((model.model_id for model in self.models()), None)

    def _chosen(self) -> str | None:
        chosen = self._required().metadata().configuration.get(PROMOTED)
        return None if chosen is None else str(chosen)

    def history(self) -> list[Version]:
        """Returns the versions of the table, the newest first, as far back as its log reaches.

        Raises:
            UsageError: There is no table.
        """
        return [version_of(entry) for entry in self._required().history()]
