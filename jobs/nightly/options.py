"""The arguments of a nightly run as data: parsed once, never changed."""

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from jobs.console.options import Options
from jobs.nightly.destination import Destination
from melanoma.errors import UsageError
from melanoma.model.signature import Signer
from melanoma.reporting.limits import Limits
from melanoma.shards import Shard
from melanoma.wording import counted


@dataclass(frozen=True)
class SourceOptions(Options):
    """Which photographs a command lists.

    Attributes:
        images: Folders, files or globs; empty if a manifest lists the photographs.
        pattern: Glob for the names of photographs; None for every image extension.
        manifest: CSV or Parquet file with one row per photograph.
        keep: Columns of the manifest to copy into the score table; with folders, what to copy of DICOM files.
        since: Photographs last modified before this local date are ignored.
        uri_base: URI by which the table knows the photographs at `images`.
    """

    images: tuple[str, ...]
    pattern: str | None
    manifest: str | None
    keep: tuple[str, ...]
    since: datetime.date | None
    uri_base: str | None


@dataclass(frozen=True)
class ScoringOptions(SourceOptions):
    """What is scored with which models, and where the scores go; `melanoma score` and `melanoma doctor` share it.

    Attributes:
        bundle: Folders of the model bundles, at least one.
        bundle_digest: sha256 that each bundle must have, in their order; empty to accept any.
        bundle_key: File of the public key whose owner must have signed each bundle; None for no such check.
        bundle_authority: File of certificates; somebody with a certificate of theirs must have signed each bundle.
        output: Folder of the score table.
        batch_size: Inference batch size, at least 1.
        engine: What runs the networks, one of `melanoma.model.engine_names.ENGINES` or `AUTO`.
        object_timeout: Longest wait for one object of a store, all tries together.
        shard: The share of the photographs that is scored; None for all of them.
        metrics_file: File for Prometheus metrics.
        notify_command: Command that is run at the end, with one line about the run.
    """

    bundle: tuple[str, ...]
    bundle_digest: tuple[str, ...]
    bundle_key: str | None
    bundle_authority: str | None
    output: str
    batch_size: int
    engine: str
    object_timeout: datetime.timedelta
    shard: Shard | None
    metrics_file: str | None
    notify_command: str | None

    @property
    def signer(self) -> Signer | None:
        """Who must have signed each bundle; None for nobody."""
        has_signer = self.bundle_key or self.bundle_authority
        return Signer(self.bundle_key, self.bundle_authority) if has_signer else None

    @property
    def expected_digests(self) -> tuple[str | None, ...]:
        """The digest that each bundle must have, in their order; None where any is accepted.

        Raises:
            UsageError: There are digests, but not one for each bundle.
        """
        if self.bundle_digest and len(self.bundle_digest) != len(self.bundle):
            raise UsageError(
                f"--bundle-digest is given {counted(len(self.bundle_digest), 'time')}, --bundle "
                f"{counted(len(self.bundle), 'time')}; give one digest for each bundle, in the same order"
            )
        return self.bundle_digest or (None,) * len(self.bundle)


@dataclass(frozen=True)
class NightlyOptions(ScoringOptions):
    """The whole command line of `melanoma score`.

    Attributes:
        rescore: Whether to score photographs again that are already in the table.
        retry_failed: Whether to retry all failed photographs now.
        limit: Largest number of photographs to score; None for no limit.
        stop_at: Local time after which no photograph is begun.
        max_time: Time from the start after which no photograph is begun.
        chunk_size: Photographs per chunk; None to derive it from their number.
        wave_size: The most photographs that wait in memory to be divided into chunks, at least 1.
        show_uris: Whether the report shows the URIs of photographs.
        list_suspicious: Whether the report lists the highest melanoma probabilities.
        profile: Whether a picture shows when each worker did what.
        run_date: Date of the run; None for today.
        max_failed: Failure rate above which the exit code is 1, 0 to 1.
        max_drift: Drift of the predictions from earlier runs above which the exit code is 1, more than 0.
        max_bundle_drift: The same for their drift from the bundle's reference.
        allow_empty: Whether folders without photographs are allowed.
        dry_run: Whether to count only.
        quiet: Whether a good run prints nothing.
        verbose: Whether the log of the libraries is printed too.
        output_mode: `private`, `group` or `umask`: who may read the table and the reports on a local disk.
        log_format: `text` or `json`: how lines are written.
        beam_options: Options for Beam.
    """

    rescore: bool
    retry_failed: bool
    limit: int | None
    stop_at: datetime.time | None
    max_time: datetime.timedelta | None
    chunk_size: int | None
    wave_size: int
    show_uris: bool
    list_suspicious: bool
    profile: bool
    run_date: datetime.date | None
    max_failed: float
    max_drift: float
    max_bundle_drift: float
    allow_empty: bool
    dry_run: bool
    quiet: bool
    verbose: bool
    output_mode: str
    log_format: str
    beam_options: tuple[str, ...]

    @property
    def limits(self) -> Limits:
        """What the operator accepts."""
        return Limits(self.max_failed, self.max_drift, self.max_bundle_drift)

    @property
    def destination(self) -> Destination:
        """Where the run is told."""
        return Destination(self.output, self.bundle, self.run_date, self.metrics_file, self.notify_command, self.shard)

    @classmethod
    def from_command_line(cls, args: argparse.Namespace, beam_options: Sequence[str] = ()) -> Self:
        """Returns the options that were parsed, with the words for Beam that no flag holds.

        Args:
            args: Parsed flags of `melanoma score`.
            beam_options: Words after `--`.
        """
        return cls.from_args(argparse.Namespace(**vars(args), beam_options=list(beam_options)))
