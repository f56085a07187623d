"""`melanoma query`: SQL over the score table, with the result on the terminal, in a file or in a pipe."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.console.arg_types import whole
from jobs.console.exit_codes import OK
from jobs.console.stdout import binary_output
from jobs.console.view_flags import ViewOptions, add_view_arguments
from jobs.console.wording import counted
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.queries.views import Additions
    from melanoma.table.score_table import ScoreTable

_STDOUT = "-"
_DEFAULT_VIEW = "latest"


@dataclass(frozen=True)
class QueryOptions(ViewOptions):
    """Arguments of `melanoma query`.

    Attributes:
        table: Folder of the score table.
        sql: The statement; None where a file has it, or where a view is exported.
        file: File with the statement.
        joined: Files to join, each `FILE` or `NAME=FILE`.
        output: File for the result of the statement; None or `-` for standard output.
        format: `csv`, `json`, `parquet` or `table`; None to choose it by the file's extension.
        export: File for the whole of `view`.
        view: One of the views; None for the default.
        rows: Number of rows in the format `table`.
    """

    table: str
    sql: str | None
    file: str | None
    joined: tuple[str, ...]
    output: str | None
    format: str | None
    export: str | None
    view: str | None
    rows: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from melanoma.queries.exports import FORMATS
    from melanoma.queries.views import NAMES

    add = parser.add_argument
    add("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    add("sql", metavar="SQL", nargs="?", help=f"one DuckDB query over the views {', '.join(NAMES)}")
    add("--file", metavar="FILE", help="read the statement from this file instead")
    add(
        "--with",
        dest="joined",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="CSV or Parquet file that the statement can use as the view NAME (default: the file's name without its "
        "extension); may be repeated",
    )
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="write the result to this .csv, .json or .parquet file instead of the terminal; - is standard output",
    )
    add("--format", choices=FORMATS, help="format of the result (default: by the file's extension, else table)")
    add("--export", metavar="FILE", help="write a whole view to one file, replacing it atomically")
    add("--view", choices=NAMES, metavar="VIEW", help=f"view for --export (default: {_DEFAULT_VIEW})")
    add(
        "--rows",
        type=lambda word: whole(word, least=0),
        default=50,
        metavar="N",
        help="number of rows to print in the format table (default: 50)",
    )
    add_view_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints or writes the result of the statement, or writes a whole view; returns the exit code.

    Raises:
        MelanomaError: The statement, the table or the target cannot be used.
    """
    options = QueryOptions.from_args(args)
    if options.export is None:
        return _write(options, _statement(options), options.output or _STDOUT, "")
    if options.sql or options.file or options.output:
        raise UsageError("--export writes a whole view; leave out SQL, --file and --output")
    view = _exported_view(options.export, options.view)
    return _write(options, f"FROM {view}", options.export, f" of the view {view}")


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


def _exported_view(target: str, view: str | None) -> str:
    """Returns the view to export; refuses a file that is named like another view than the default one."""
    from melanoma.queries.views import NAMES

    stem = Path(target).stem
    if view is None and stem != _DEFAULT_VIEW and stem in NAMES:
        raise UsageError(
            f"--export {target}: is the view {stem} meant? Give --view {stem}, or --view {_DEFAULT_VIEW} to write the "
            "newest results to a file of this name"
        )
    return view or _DEFAULT_VIEW


def _write(options: QueryOptions, sql: str, target: str, what: str) -> int:
    from melanoma.queries.exports import export
    from melanoma.table.score_table import ScoreTable

    additions = _additions(options)
    table = ScoreTable.in_folder(options.table)
    if target == _STDOUT:
        _print(options, table, sql, additions)
        return OK
    rows = export(table, sql, target, options.format, additions, options.rows)
    print(f"{counted(rows, 'row')}{what} written to {target}", file=sys.stderr)
    return OK


def _additions(options: QueryOptions) -> "Additions":
    from melanoma.queries.joined_tables import read_joined
    from melanoma.queries.views import NAMES, Additions

    return Additions(read_joined(options.joined, NAMES), options.roles(), options.clinic_levels)


def _print(options: QueryOptions, table: "ScoreTable", sql: str, additions: "Additions") -> None:
    from melanoma.queries.exports import TEXT, write_to

    chosen = options.format or TEXT
    is_terminal = sys.stdout.isatty()
    if is_terminal and chosen == "parquet":
        raise UsageError("--format parquet is not for a terminal; give -o FILE, or pipe the output into a program")
    with binary_output(printable_only=is_terminal and chosen != TEXT) as out:
        write_to(out, table, sql, chosen, additions, options.rows)
