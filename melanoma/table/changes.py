"""A score table that can be changed: the newest version, its errors, and promotion; a door to Delta Lake."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset
from deltalake import DeltaTable

from melanoma.errors import UsageError
from melanoma.table.checked_dataset import part_of
from melanoma.table.data_files import check_data_files
from melanoma.table.data_writer import write_data_files
from melanoma.table.delta import DELTA_ERRORS, READ_ERRORS, change_error, file_names
from melanoma.table.description import DescribedSnapshot
from melanoma.table.file_changes import CommittedFile, commit_files
from melanoma.table.models import PROMOTED, ModelFacts

_BATCH_ROWS = 16_384


class Changeable(DescribedSnapshot):
    """A score table that can be changed; each change moves it to the version that the change made.

    A change is made to the newest version of the table: rows that another run has committed meanwhile stay.
    """

    def refresh(self) -> None:
        """Moves to the newest version of the table.

        Raises:
            UsageError: There is no table.
            NothingCommittedError: The store does not answer.
        """
        with self._changing() as delta:
            delta.update_incremental()
            names = file_names(delta)
        check_data_files(self.layout, names)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[DeltaTable]:
        """Lends the Delta table for one change, and translates its errors.

        Raises:
            UsageError: There is no table, or one of its data files is damaged.
            NothingCommittedError: The store or the disk refused.
        """
        delta = self._required()
        try:
            yield delta
        except DELTA_ERRORS as error:
            raise change_error(self.layout, error) from None

    def _replace(
        self,
        files: Sequence[CommittedFile],
        where: pyarrow.dataset.Expression | None,
        why: str,
        changes_rows: bool = True,
    ) -> int:
        """Writes the rows of data files anew, and replaces those files in one commit.

        Args:
            files: Data files of this version.
            where: Condition on the rows that are kept; None for all.
            why: For the history.
            changes_rows: Whether rows may be left out.

        Returns:
            The number of data files that replace them.

        Raises:
            UsageError: There is no table, one of its data files is gone or damaged, or the store refuses for good.
            NothingCommittedError: The store or the disk refused, or somebody else has replaced one of the files.
        """
        source = self._files(file.name for file in files)
        written = write_data_files(self.layout, source.schema, self._in_order(source, where))
        with self._changing() as delta:
            commit_files(delta, written, files, facts={"why": why}, changes_rows=changes_rows)
            delta.update_incremental()
        return len(written)

    def _files(self, names: Iterable[str]) -> pyarrow.dataset.Dataset:
        """Returns the rows of some data files, in the order of the files."""
        source = self.dataset()
        parts = {part.path: part for part in source.get_fragments()}
        return part_of(source, [parts[name] for name in names])

    def _files_with(self, where: pyarrow.dataset.Expression) -> set[str]:
        """Returns the names of the data files with a row that meets a condition.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        source = self.dataset()
        try:
            return {
                part.path for part in source.get_fragments(where) if part_of(source, [part]).count_rows(filter=where)
            }
        except READ_ERRORS as error:
            raise self.read_failure(error, source) from None

    def _in_order(
        self, source: pyarrow.dataset.Dataset, where: pyarrow.dataset.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """Streams all columns of rows to be written anew, with little reading ahead."""
        little = {"batch_size": _BATCH_ROWS, "batch_readahead": 1, "fragment_readahead": 1}
        return self._translated(source, source.schema.names, where, **little)

    def promote(self, model_id: str) -> int:
        """Makes a model's probabilities the ones that count.

        Returns:
            The new version of the table.

        Raises:
            UsageError: There is no table, or it holds no row of the model.
            NothingCommittedError: The store or the disk refused.
        """
        self._model(model_id)
        with self._changing() as delta:
            delta.alter.set_table_properties({PROMOTED: model_id}, raise_if_not_exists=False)
        return int(delta.version())

    def _model(self, model_id: str) -> ModelFacts:
        known = {model.model_id: model for model in self.models()}
        if model_id not in known:
            raise UsageError(f"{self.layout}: no row of {model_id!r}; the table has {', '.join(known) or 'no rows'}")
        return known[model_id]
