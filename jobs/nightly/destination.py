"""Where a nightly run is told."""

import datetime
from dataclasses import dataclass

from melanoma.shards import Shard


@dataclass(frozen=True)
class Destination:
    """Where a nightly run is told, and what names it there.

    Attributes:
        output: Folder of the score table, where the report goes; None if it is not known.
        bundle: Folders of the model bundles.
        run_date: Date of the run; None for today.
        metrics_file: File for Prometheus metrics; None for none.
        notify_command: Command that is run at the end, with one line about the run; None for none.
        shard: The share of the photographs that is scored; None for all of them.
    """

    output: str | None = None
    bundle: tuple[str, ...] = ()
    run_date: datetime.date | None = None
    metrics_file: str | None = None
    notify_command: str | None = None
    shard: Shard | None = None
