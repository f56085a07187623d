"""`melanoma query`: SQL over the score table, with the result on the terminal or in a file."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from jobs.console.exit_codes import OK
from jobs.console.options import Options
from jobs.console.wording import counted
from melanoma.errors import UsageError


@dataclass(frozen=True)
class QueryOptions(Options):
    """Arguments of `melanoma query`.

    Attributes:
        table: Folder of the score table.
        sql: The statement; None where a file has it, or where a view is exported.
        file: File with the statement.
        output: File for the result of the statement; None for the terminal.
        format: `csv` or `parquet`; None to choose it by the file's extension.
        export: File for the whole of `view`.
        view: One of the views.
        rows: Number of rows to print on the terminal.
    """

    table: str
    sql: str | None
    file: str | None
    output: str | None
    format: str | None
    export: str | None
    view: str
    rows: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from melanoma.queries.views import NAMES

    add = parser.add_argument
    add("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    add("sql", metavar="SQL", nargs="?", help=f"one DuckDB statement over the views {', '.join(NAMES)}")
    add("--file", metavar="FILE", help="read the statement from this file instead")
    add("--output", metavar="FILE", help="write the result to this .csv or .parquet file instead of the terminal")
    add("--format", choices=("csv", "parquet"), help="format of the file (default: by its extension)")
    add("--export", metavar="FILE", help="write a whole view to one .csv or .parquet file, replacing it atomically")
    add("--view", choices=NAMES, default="latest", help="view for --export (default: latest)")
    add("--rows", type=int, default=50, metavar="N", help="number of rows to print on the terminal (default: 50)")


def run(args: argparse.Namespace) -> int:
    """Prints or writes the result of the statement, or writes a whole view; returns the exit code."""
    options = QueryOptions.from_args(args)
    if options.export:
        if options.sql or options.file or options.output:
            raise UsageError("--export writes a whole view; leave out SQL, --file and --output")
        return _write(options, f"FROM {options.view}", options.export)
    sql = _statement(options)
    if options.output:
        return _write(options, sql, options.output)
    from melanoma.queries import views
    from melanoma.queries.text_table import as_text
    from melanoma.table.score_table import ScoreTable

    print(as_text(views.query(ScoreTable.in_folder(options.table), sql), options.rows))
    return OK


def _statement(options: QueryOptions) -> str:
    if bool(options.sql) == bool(options.file):
        raise UsageError("give either SQL or --file FILE, or --export FILE for a whole view")
    if options.file is None:
        return str(options.sql)
    try:
        return Path(options.file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"--file {options.file}: is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"--file {options.file}: cannot be read ({error.strerror})") from None


def _write(options: QueryOptions, sql: str, target: str) -> int:
    from melanoma.queries.exports import export
    from melanoma.table.score_table import ScoreTable

    rows = export(ScoreTable.in_folder(options.table), sql, target, options.format)
    print(f"{counted(rows, 'row')} written to {target}", file=sys.stderr)
    return OK
