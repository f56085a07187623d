"""What one version of the score table tells about itself: its models, its history, and what it knows."""

import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ids import is_model_id, is_run_id
from melanoma.table.delta import DELTA_ERRORS, log_error
from melanoma.table.history import Version, version_of
from melanoma.table.models import PROMOTED, ModelFacts, models_in
from melanoma.table.schema import PARTITION
from melanoma.table.snapshot import Snapshot
from melanoma.terminal import printable

_NEWEST = "max.scored_at"


class DescribedSnapshot(Snapshot):
    """A snapshot with the questions that commands ask about a whole table."""

    def knows_under(self, root: str) -> bool:
        """Tells whether the table holds a photograph below a root or glob.

        Raises:
            UsageError: A data file of the table is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        if self._delta is None:
            return False
        is_below = storage.below(root)
        return any(is_below(uri) for batch in self._batches(["image_uri"]) for uri in batch["image_uri"].to_pylist())

    def spelling(self) -> storage.Spelling:
        """Returns how the table writes the protocols of stores that have several names.

        Raises:
            UsageError: A data file of the table is gone or damaged.
            NothingCommittedError: The store does not answer.
        """
        if self._delta is None:
            return storage.Spelling()
        found, names = set[str](), {*storage.ALIASES, *storage.ALIASES.values()}
        for batch in self._batches(["image_uri"]):
            for name in names - found:
                if pc.any(pc.match_substring_regex(batch["image_uri"], rf"(^|::){name}://")).as_py():
                    found.add(name)
        return storage.spelling_of(found)

    def columns(self) -> pa.Schema:
        """Returns the columns of the table; none where there is no table."""
        return pa.schema([]) if self._delta is None else self.dataset().schema

    def check_types(self, wanted: pa.Schema) -> None:
        """Checks that the columns to be kept from a manifest have the types of the table.

        Raises:
            UsageError: One of them has another type, or differs from a column of the table only in case.
        """
        present = {field.name.lower(): field for field in self.columns()}
        for field in wanted:
            known = present.get(field.name.lower(), field)
            if (known.name, known.type) != (field.name, field.type):
                raise UsageError(
                    f"--keep {field.name}: is {field.type} in the manifest, the table has {known.name} as "
                    f"{known.type}; convert or rename it in the manifest"
                )

    def newest_time(self) -> datetime.datetime | None:
        """Returns a UTC time that no row's `scored_at` reaches; None where the table's log does not tell.

        It comes from the statistics in the log, whose times are cut to milliseconds; no data file is read.
        """
        if self._delta is None:
            return None
        files = pa.table(self._delta.get_add_actions(flatten=True))
        if _NEWEST not in files.column_names or not pa.types.is_timestamp(files[_NEWEST].type):
            return None
        newest = pc.max(files[_NEWEST]).as_py()
        return None if newest is None else newest + datetime.timedelta(milliseconds=1)

    def models(self) -> list[ModelFacts]:
        """Returns what the table holds of each model, ordered by the model's first run.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
        """
        return models_in(self.rows([PARTITION, "run_id"]), self._stated())

    def promoted(self) -> str | None:
        """Returns the model whose probabilities count: the promoted one, else the first in the table; None for none.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
        """
        return self._chosen() or next((model.model_id for model in self.models()), None)

    def _chosen(self) -> str | None:
        """Returns the promoted model; None if none was promoted.

        Raises:
            UsageError: There is no table, or somebody else has put a text there that is not the id of a model.
        """
        chosen = self._stated()
        if chosen is not None and not is_model_id(chosen):
            raise UsageError(
                f"{self.layout}: the property {PROMOTED} of the table is {printable(chosen)!r:.60}, expected the id of "
                "a model; somebody else has changed it: promote a model again with melanoma table promote"
            )
        return chosen

    def _stated(self) -> str | None:
        stated: str | None = self._required().metadata().configuration.get(PROMOTED)
        return stated

    def history(self) -> list[Version]:
        """Returns the versions of the table, newest first, as far back as its log reaches.

        Raises:
            UsageError: There is no table.
            NothingCommittedError: The log is damaged, or the store does not answer.
        """
        return [version_of(entry) for entry in self._log_entries()]

    def _log_entries(self, versions: int | None = None) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = self._required().history(versions)
        except DELTA_ERRORS as error:
            raise log_error(self.layout, error) from None
        return entries

    def recent_runs(self, versions: int) -> list[str]:
        """Returns the ids of the runs that committed the last versions, the newest first; none where there is no table.

        Args:
            versions: Number of versions to look at; a small one costs little in a table with a long log.

        Raises:
            NothingCommittedError: The log is damaged, or the store does not answer.
        """
        entries = [] if self._delta is None else self._log_entries(versions)
        return [entry["run_id"] for entry in entries if is_run_id(entry.get("run_id"))]
