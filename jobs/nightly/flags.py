"""Flags of a nightly run, shared by `melanoma score` and `melanoma doctor`."""

import argparse

from jobs.console.arg_types import date, whole


def add_night(parser: argparse.ArgumentParser) -> None:
    """Declares what is scored by what, and where the scores go."""
    parser.add_argument("--config", metavar="FILE", help="TOML file of flags, without their dashes; the flags here win")
    sources = parser.add_argument_group("photographs (one of the two)")
    sources.add_argument(
        "--images", action="append", metavar="URI", help="folder, file or glob in any store; repeatable"
    )
    sources.add_argument(
        "--pattern", metavar="GLOB", help="names that count as photographs (default: image extensions)"
    )
    sources.add_argument("--manifest", metavar="FILE", help="CSV or Parquet with a column uri, and maybe image_id")
    sources.add_argument(
        "--keep", nargs="+", default=[], metavar="COL", help="manifest columns to carry into the table"
    )
    sources.add_argument(
        "--since", type=date, metavar="YYYY-MM-DD", help="ignore photographs that the store dates before it"
    )
    sources.add_argument("--uri-base", metavar="URI", help="place under which the table knows what lies at --images")
    parser.add_argument(
        "--bundle",
        required=True,
        action="append",
        metavar="URI",
        help="folder of the model bundle; several score beside",
    )
    parser.add_argument("--output", required=True, metavar="URI", help="folder of the score table; made if missing")
    parser.add_argument("--batch-size", type=whole, default=32, metavar="N", help="of the network (default: 32)")
