"""The arguments of a nightly run as data: parsed once, never changed."""

import argparse
import datetime
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class ScoringOptions:
    """What is scored with which models, and where the scores go; `melanoma score` and `melanoma doctor` share it.

    Attributes:
        images: Folders, files or globs; empty where a manifest names the photographs.
        pattern: Glob on file names that count as photographs; None for every image extension.
        manifest: CSV or Parquet file with a row a photograph.
        keep: Columns of the manifest to carry into the table.
        since: Photographs that the store dates before this local date are ignored.
        uri_base: URI under which the table knows what lies at `images`.
        bundle: Folders of the models.
        output: Folder of the score table.
        batch_size: Photographs that the network scores at once, at least 1.
    """

    images: tuple[str, ...]
    pattern: str | None
    manifest: str | None
    keep: tuple[str, ...]
    since: datetime.date | None
    uri_base: str | None
    bundle: tuple[str, ...]
    output: str
    batch_size: int

    @classmethod
    def from_args(cls, args: argparse.Namespace, **more: Any) -> Self:
        """Takes the flags of these names.

        Args:
            args: Parsed command line.
            **more: Values that no flag holds.
        """
        values = vars(args) | more
        return cls(**{field.name: _frozen(values[field.name], field.type) for field in fields(cls)})


@dataclass(frozen=True)
class NightlyOptions(ScoringOptions):
    """The whole command line of `melanoma score`.

    Attributes:
        rescore: Score again what the table holds.
        retry_failed: Try every failed photograph again now.
        stop_at: Local time after which no chunk is begun.
        max_time: The same, after the start.
        limit: Most photographs to score.
        metrics_file: File for Prometheus.
        notify_command: Command that is started with one line about the run.
        show_uris: Whether the report names photographs.
        list_suspicious: Whether the report lists the largest probabilities of melanoma.
        run_date: Stands for today.
        chunk_size: Photographs that are staged together; None to let their number decide.
        max_failed: Failure rate above which the exit code is 1, 0 to 1.
        dry_run: Only count.
        allow_empty: Whether a root may list no photograph.
        beam_options: Options for Beam.
    """

    rescore: bool
    retry_failed: bool
    stop_at: datetime.time | None
    max_time: datetime.timedelta | None
    limit: int | None
    metrics_file: str | None
    notify_command: str | None
    show_uris: bool
    list_suspicious: bool
    run_date: datetime.date | None
    chunk_size: int | None
    max_failed: float
    dry_run: bool
    allow_empty: bool
    beam_options: tuple[str, ...]


def _frozen(value: Any, kind: Any) -> Any:
    """Returns lists, and an absent list, as tuples."""
    return tuple(value or ()) if kind == tuple[str, ...] else value
