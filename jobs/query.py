"""`melanoma query`: SQL over the score table, with the result on the terminal or in a file."""

import argparse
import sys
from pathlib import Path

from jobs.console.exit_codes import OK
from melanoma.errors import UsageError

_VIEWS = ("latest", "current", "failures", "nights", "scores")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    add("sql", metavar="SQL", nargs="?", help=f"one DuckDB statement over the views {', '.join(_VIEWS)}")
    add("--file", metavar="FILE", help="read the statement from this file instead")
    add("--output", metavar="FILE", help="write the result to this .csv or .parquet file instead of the terminal")
    add("--format", choices=("csv", "parquet"), help="format of the file (default: by its extension)")
    add("--export", metavar="FILE", help="write a whole view to one .csv or .parquet file, replacing it atomically")
    add("--view", choices=_VIEWS, default="latest", help="view for --export (default: latest)")
    add("--rows", type=int, default=50, metavar="N", help="number of rows to print on the terminal (default: 50)")


def run(args: argparse.Namespace) -> int:
    """Prints or writes the answer."""
    if args.export:
        if args.sql or args.file or args.output:
            raise UsageError("--export writes a whole view; leave SQL, --file and --output out")
        return _write(args, f"FROM {args.view}", args.export)
    sql = _statement(args)
    if args.output:
        return _write(args, sql, args.output)
    from melanoma.queries import views
    from melanoma.table.score_table import ScoreTable

    print(views.as_text(views.query(ScoreTable.in_folder(args.table), sql), args.rows))
    return OK


def _statement(args: argparse.Namespace) -> str:
    if bool(args.sql) == bool(args.file):
        raise UsageError("say either SQL or --file FILE; or --export FILE for a whole view")
    if args.sql:
        return str(args.sql)
    try:
        return Path(args.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--file {args.file}: cannot be read ({type(error).__name__})") from None


def _write(args: argparse.Namespace, sql: str, target: str) -> int:
    from melanoma.queries.exports import export
    from melanoma.table.score_table import ScoreTable

    rows = export(ScoreTable.in_folder(args.table), sql, target, args.format)
    print(f"{rows:,} rows written to {target}", file=sys.stderr)
    return OK
