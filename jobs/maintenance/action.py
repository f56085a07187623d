"""What all actions of `melanoma table` share: they open a table, and some keep runs away from it."""

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.console.options import Action

if TYPE_CHECKING:
    from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class TableAction(Action):
    """An action on one table.

    Attributes:
        table: Folder of the table.
    """

    table: str

    def _open(self) -> "ScoreTable":
        from melanoma.table.score_table import ScoreTable

        return ScoreTable.in_folder(self.table)

    @contextlib.contextmanager
    def _without_runs(self) -> Iterator["ScoreTable"]:
        """Opens the table, and keeps runs and other maintenance from starting during the block.

        Raises:
            UsageError: There is no table, or its folder cannot be written.
            NothingCommittedError: A run or other maintenance is active.
        """
        from jobs.console import output_modes
        from melanoma import storage
        from melanoma.runs import heartbeats
        from melanoma.runs.run import time_stamp

        layout = self._open().layout  # first: a mistyped path must not become a folder with a heartbeat
        storage.check_committable(
            layout.name, layout.probe(), "fix its permissions, or run this as the user who owns it"
        )
        now = datetime.datetime.now(datetime.UTC)
        own_id = f"{time_stamp(now)}-{type(self).__name__.lower()}"
        # What it writes has the modes of what is there.
        with output_modes.like(storage.local_path(layout.log)), heartbeats.beating(layout, own_id):
            yield self._open()
