"""Deletion of rows: of a model, of old runs, and of photographs that are to be forgotten; a door to Delta Lake."""

import datetime
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute

from melanoma.errors import UsageError
from melanoma.table import corrections
from melanoma.table.changes import Changeable
from melanoma.table.corrections import Corrections
from melanoma.table.file_changes import committed_files
from melanoma.table.schema import PARTITION


@dataclass(frozen=True)
class OldRows:
    """Rows of runs before a date.

    Attributes:
        before: The date; rows of runs of that day or later are not among them.
        model_id: The only model whose rows are meant; None for all.
        rows: Number of rows.
        photographs: Number of photographs without a row of the same model on that date or later: once these rows are
            gone, a run scores them again, if it still lists them.
    """

    before: datetime.date
    model_id: str | None
    rows: int
    photographs: int


class Deletable(Changeable):
    """A score table from which rows can be deleted."""

    def delete_model(self, model_id: str) -> int:
        """Deletes all rows of a model; a run with its bundle would score every photograph again.

        Returns:
            The number of rows.

        Raises:
            UsageError: There is no table, it holds no row of the model, or the model is the promoted one.
            NothingCommittedError: The store or the disk refused.
        """
        model = self._model(model_id)
        self._chosen()
        if model.is_promoted:
            raise UsageError(f"{model_id} is the promoted model; promote another one first")
        with self._changing() as delta:
            delta.delete(f"{PARTITION} = '{model.model_id}'")
        self._forget_corrections()
        return model.rows

    def _forget_corrections(self) -> None:
        """Drops the corrected values of photographs that have no row any more."""
        known = Corrections.read(self.layout).rows["image_uri"]
        if len(known):
            left = self.rows(["image_uri"], pa.compute.field("image_uri").isin(known.combine_chunks()))
            corrections.forget(self.layout, set(known.to_pylist()) - set(left["image_uri"].to_pylist()))

    def rows_before(self, date: datetime.date, model_id: str | None = None) -> OldRows:
        """Counts the rows of runs before a date, which may be deleted.

        Args:
            date: By the run's date, local.
            model_id: The only model whose rows are meant; None for all.

        Raises:
            UsageError: There is no table, it holds no row of the model, one of its data files is gone or damaged, or no
                row would be left of the model whose results count.
        """
        if model_id is not None:
            self._model(model_id)
        is_old, columns = pa.compute.field("run_date") < pa.scalar(date), ["image_uri", PARTITION]
        kept, own = self.rows(columns, ~is_old), {} if model_id is None else {PARTITION: model_id}
        old, counting = self.rows(columns, is_old, **own), self.promoted()
        if old.num_rows and counting in old[PARTITION].unique().to_pylist():
            self._refuse_to_empty(str(counting), kept)
        gone = old.group_by(columns).aggregate([]).join(kept, columns, join_type="left anti")
        return OldRows(date, model_id, old.num_rows, len(gone["image_uri"].unique()))

    def _refuse_to_empty(self, counting: str, kept: pa.Table) -> None:
        """Keeps the newest rows, without which the view `current` would be empty."""
        if counting not in kept[PARTITION].unique().to_pylist():
            raise UsageError(
                f"{self.layout}: all rows of {counting}, whose results the view current shows, are older than that; "
                "give an age that leaves its newest rows, or promote another model first"
            )

    def delete_before(self, date: datetime.date, model_id: str | None = None) -> OldRows:
        """Deletes the rows of runs before a date.

        Where no model was promoted, the first one in the table counts. Without its old rows it might no longer be the
        first one, so it is promoted before.

        Args:
            date: By the run's date, local.
            model_id: The only model whose rows are deleted; None for all.

        Returns:
            What was deleted.

        Raises:
            UsageError: As `rows_before`.
            NothingCommittedError: The store or the disk refused.
        """
        self.refresh()
        old = self.rows_before(date, model_id)
        if not old.rows:
            return old
        models = self.models()
        if default := [model.model_id for model in models if model.is_default and len(models) > 1]:
            self.promote(default[0])
        is_old = pa.compute.field("run_date") < pa.scalar(date)
        if model_id is not None:
            is_old &= pa.compute.field(PARTITION) == model_id
        concerned = self._files_with(is_old)
        files = [file for file in committed_files(self._required()) if file.name in concerned]
        of_model = f" of {model_id}" if model_id else ""
        self._replace(files, ~is_old, f"deleted rows{of_model} of runs before {date.isoformat()}")
        self._forget_corrections()
        return old

    def rewrite_without(self, uris: pa.Array, contents: pa.Array | None = None) -> None:
        """Writes the table anew without the rows of some photographs.

        A deletion would leave its condition, and so their names, in the log.

        Args:
            uris: Values of image_uri, text.
            contents: Values of image_sha256, text, of photographs that may have other names too; None for none.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
            NothingCommittedError: The store or the disk refused.
        """
        self.refresh()
        is_gone = pa.compute.field("image_uri").isin(uris)
        if contents is not None:
            is_gone |= pa.compute.field("image_sha256").isin(contents)
        self._replace(committed_files(self._required()), ~is_gone, "forgotten")
