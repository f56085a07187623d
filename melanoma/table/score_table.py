"""The score table: opened once per command, read at one version, and changed; a door to Delta Lake."""

from collections.abc import Iterator

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, UsageError
from melanoma.storage.errors import is_refused, reason_of
from melanoma.table.data_writer import write_data_files
from melanoma.table.delta import DELTA_ERRORS, columns_of, open_delta
from melanoma.table.durability import sync_commits
from melanoma.table.file_changes import commit_files
from melanoma.table.layout import OutputLayout
from melanoma.table.maintenance import Maintainable
from melanoma.table.schema import PARTITION, STATISTICS_COLUMNS

_ALL_RUNS = "melanoma-score"


class ConflictError(Exception):
    """The table has changed since the version that a run was planned against: another run, or a promotion."""


def overwritten(layout: OutputLayout) -> NothingCommittedError:
    """Returns the error for a commit that the store acknowledged, and that is gone: another writer replaced its file.

    Args:
        layout: Of the table.
    """
    return NothingCommittedError(
        f"{layout}: another writer has overwritten the commit of this run, so its rows are lost: the store does not "
        "keep two writers apart; let melanoma doctor check it, choose another store for --output, and start again"
    )


class ScoreTable(Maintainable):
    """The score table at one version, which only its own changes move forward."""

    def append(self, run_id: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Appends a run's rows in one commit, or nothing; creates the table where there is none.

        Two application transactions go with it: the run's own, and one that all scoring runs share, so that a run which
        was planned against an older version conflicts instead of scoring a photograph twice.

        Args:
            run_id: Id of the run.
            schema: Of the rows.
            batches: Rows; what this iterator raises is raised here, and nothing is committed.

        Returns:
            The version that holds the rows, at which the table now stands.

        Raises:
            ConflictError: Another run, or a promotion, has been committed since this version.
            UsageError: The store or the disk refuses access.
            NothingCommittedError: The store or the disk failed, or another writer's commit took the place of this one.
        """
        planned = self.version or 0
        delta = self._opened(schema)
        written = write_data_files(self.layout, _widened(columns_of(delta), schema), batches)
        try:
            _add_columns(delta, schema)
            commit_files(delta, written, facts={"run_id": run_id}, transactions=[run_id, _ALL_RUNS])
        except DELTA_ERRORS as error:
            self._check_after_all(run_id, error)
        self._delta = self._committed(run_id, delta.version())
        version = int(self._delta.version())
        if (folder := storage.local_path(self.layout.root)) is not None:
            sync_commits(folder, planned, version)
        return version

    def _committed(self, run_id: str, planned: int) -> DeltaTable:
        """Opens the version that holds a run's rows, of which the store has said that it is committed.

        Args:
            run_id: Id of the run.
            planned: The version that the commit followed, if nothing else has been committed meanwhile.

        Raises:
            NothingCommittedError: The newest version does not hold the commit.
        """
        newest = open_delta(self.layout)
        if newest is None or newest.transaction_version(run_id) is None:
            raise overwritten(self.layout)
        if newest.version() > planned + 1:
            for entry in newest.history(newest.version() - planned):
                if entry.get("run_id") == run_id:
                    newest.load_as_version(entry["version"])
        return newest

    def _opened(self, schema: pa.Schema) -> DeltaTable:
        """Opens this version in a handle of its own, so that a failure leaves this version as it is.

        Raises:
            UsageError: The store or the disk refuses access.
            NothingCommittedError: The store or the disk failed.
        """
        try:
            return self._writable(schema)
        except DELTA_ERRORS as error:
            raise self._failure(error) from None

    def _writable(self, schema: pa.Schema) -> DeltaTable:
        """Opens this version for writing; creates the table where there is none."""
        location, options = storage.delta_location(self.layout.root)
        if self.version is None:
            DeltaTable.create(
                location,
                schema=schema,
                mode="ignore",
                partition_by=[PARTITION],
                configuration={"delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS)},
                storage_options=options,
                # A second try would make the table again on top of what another run has committed, without its columns.
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        # A table that another run has created meanwhile was empty at version 0, as this run expected.
        return DeltaTable(location, version=self.version or 0, storage_options=options)

    def _check_after_all(self, run_id: str, error: Exception) -> None:
        """Looks whether a commit is there whose success the store failed to report; raises if it is not."""
        try:
            delta = open_delta(self.layout)
        except NothingCommittedError:
            raise NothingCommittedError(
                f"{self.layout}: the store stopped answering during the commit ({reason_of(error)}), so whether the "
                "rows are committed is not known; start again, nothing will be scored twice"
            ) from None
        if delta is not None and delta.transaction_version(run_id) is not None:
            return
        if isinstance(error, CommitFailedError):
            raise ConflictError(str(self.layout)) from error
        raise self._failure(error) from None

    def _failure(self, error: Exception) -> MelanomaError:
        if is_refused(error):
            return UsageError(
                f"{self.layout}: the commit was refused ({reason_of(error)}); fix the permissions of the folder or the "
                "bucket and start again, the scored rows stay staged"
            )
        return NothingCommittedError(
            f"{self.layout}: the commit failed ({reason_of(error)}); the scored rows stay staged, start again"
        )


def _widened(stored: pa.Schema, wanted: pa.Schema) -> pa.Schema:
    """Returns the columns of the table with those that it lacks, in the order of the merge."""
    return pa.schema([*stored, *(field for field in wanted if field.name not in stored.names)])


def _add_columns(delta: DeltaTable, schema: pa.Schema) -> None:
    """Adds the columns that the table lacks, in a commit without rows that conflicts as a run's does."""
    if set(schema.names) <= set(columns_of(delta).names):
        return
    write_deltalake(
        delta,
        pa.RecordBatchReader.from_batches(schema, iter(())),
        mode="append",
        schema_mode="merge",
        commit_properties=CommitProperties(
            custom_metadata={"why": "columns added"}, app_transactions=[Transaction(_ALL_RUNS, 1)]
        ),
    )
