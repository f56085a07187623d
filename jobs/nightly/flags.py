"""Flags of a nightly run; `melanoma score` has all of them, `melanoma doctor` those that say what is scored."""

import argparse

from jobs.console.arg_types import clock, date, digest, duration, positive, shard, share, wait, whole
from jobs.console.engine_flag import add_engine_argument
from jobs.console.lines import JSON, TEXT
from jobs.console.output_modes import GROUP, MODES
from melanoma.images.dicom_tags import KEPT
from melanoma.reporting.limits import Limits


def add_scoring_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `ScoringOptions` holds, and `--config`."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with flags, without dashes; the command line wins")
    source = parser.add_argument_group("photographs (--images or --manifest)")
    add_source_arguments(source)
    source.add_argument(
        "--keep",
        nargs="+",
        default=[],
        metavar="COL",
        help="columns of the manifest to copy into the score table; with --images, what to copy of DICOM files: "
        f"{', '.join(KEPT)}",
    )
    _add_bundles(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="URI", help="folder of the score table; created if it does not exist"
    )
    parser.add_argument(
        "--batch-size", type=whole, default=32, metavar="N", help="inference batch size (default: %(default)s)"
    )
    add_engine_argument(parser)
    parser.add_argument(
        "--object-timeout",
        type=wait,
        default="60s",
        metavar="TIME",
        help="longest wait for one photograph or page of a listing, all tries together (default: %(default)s)",
    )
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="K/N",
        help="score only the Kth of N shares of the photographs; other machines score the others into the same table, "
        "at the same time or not",
    )
    channels = parser.add_argument_group("who is told")
    channels.add_argument("--metrics-file", metavar="FILE", help="file for Prometheus metrics, replaced by every run")
    channels.add_argument(
        "--notify-command", metavar="CMD", help="command to run at the end, with a one-line summary as last argument"
    )


def _add_bundles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle",
        required=True,
        action="append",
        metavar="BUNDLE",
        help="folder of a model bundle, or a name that melanoma bundle list shows; repeatable: all of them score",
    )
    parser.add_argument(
        "--bundle-digest",
        type=digest,
        action="append",
        default=[],
        metavar="SHA256",
        help="digest that the bundle must have, as melanoma bundle inspect prints it; any other bundle is refused "
        "before its network is read; one for each --bundle, in their order",
    )
    signer = parser.add_mutually_exclusive_group()
    signer.add_argument(
        "--bundle-key",
        metavar="FILE",
        help="public key whose owner must have signed each bundle; the signature lies beside it, as BUNDLE.sig",
    )
    signer.add_argument(
        "--bundle-authority",
        metavar="FILE",
        help="certificates of an authority: each bundle must be signed by somebody with a certificate of it",
    )


def add_source_arguments(source: "argparse._ActionsContainer") -> None:
    """Declares the flags that `SourceOptions` holds, but `--keep`, in a parser or a group of its help."""
    source.add_argument(
        "--images", action="append", default=[], metavar="URI", help="folder, file or glob in any store; repeatable"
    )
    source.add_argument(
        "--pattern",
        metavar="GLOB",
        help="names of the files to score (default: all with the extension of an image format)",
    )
    source.add_argument(
        "--manifest", metavar="FILE", help="CSV or Parquet file that lists photographs: column uri, optionally image_id"
    )
    source.add_argument(
        "--since", type=date, metavar="YYYY-MM-DD", help="skip photographs last modified before this date"
    )
    source.add_argument(
        "--uri-base",
        metavar="URI",
        help="URI under which the table knows the photographs at --images, if they have moved",
    )


def add_nightly_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that only `NightlyOptions` holds."""
    _add_extent(parser)
    _add_reports(parser)
    parser.add_argument("--run-date", type=date, metavar="YYYY-MM-DD", help="date of the run (default: today)")
    _add_limits(parser)
    parser.add_argument(
        "--output-mode",
        choices=tuple(MODES),
        default=GROUP,
        help="who may read table and reports on a local disk: only their owner (private), also the group (group), or "
        "as the umask says (default: %(default)s)",
    )
    parser.add_argument("--allow-empty", action="store_true", help="allow folders without photographs")
    _add_printing(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would be scored, and write nothing")


def _add_extent(parser: argparse.ArgumentParser) -> None:
    extent = parser.add_argument_group("how much to score")
    extent.add_argument("--rescore", action="store_true", help="score photographs again that are already in the table")
    extent.add_argument("--retry-failed", action="store_true", help="retry all failed photographs now")
    extent.add_argument("--limit", type=whole, metavar="N", help="score at most N photographs")
    extent.add_argument(
        "--stop-at",
        type=clock,
        metavar="HH:MM",
        help="read no photograph after this local time; the next run scores the rest",
    )
    extent.add_argument(
        "--max-time", type=duration, metavar="TIME", help="the same after a length of time, such as 3h30m, 90m or 45s"
    )
    extent.add_argument("--chunk-size", type=whole, metavar="N", help="photographs per chunk (default: automatic)")
    extent.add_argument(
        "--wave-size",
        type=whole,
        default=100_000,
        metavar="N",
        help="photographs that wait in memory to be divided into chunks; fewer need less memory (default: %(default)s)",
    )


def _add_reports(parser: argparse.ArgumentParser) -> None:
    reports = parser.add_argument_group("reports")
    reports.add_argument(
        "--show-uris", action="store_true", help="show the URIs of photographs in the report instead of pseudonyms"
    )
    reports.add_argument(
        "--list-suspicious",
        action="store_true",
        help="list the photographs with the highest melanoma probability in the report (not a diagnosis)",
    )
    reports.add_argument(
        "--profile",
        action="store_true",
        help="write a picture beside the report: when each worker listed, read, decoded, scored, staged and committed",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-failed",
        type=share,
        default=Limits.max_failed,
        metavar="RATE",
        help="failure rate above which the exit code is 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--max-drift",
        type=positive,
        default=Limits.max_drift,
        metavar="PSI",
        help="drift of the predictions from earlier runs above which the exit code is 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--max-bundle-drift",
        type=positive,
        default=Limits.max_bundle_drift,
        metavar="PSI",
        help="the same for their drift from the bundle's validation photographs (default: %(default)s)",
    )


def _add_printing(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("what is printed")
    output.add_argument("-q", "--quiet", action="store_true", help="print nothing if all is well")
    output.add_argument("-v", "--verbose", action="store_true", help="print the log of Beam and other libraries too")
    output.add_argument(
        "--log-format",
        choices=(TEXT, JSON),
        default=TEXT,
        help="how lines are written; json: one object a line, all on standard error (default: %(default)s)",
    )
