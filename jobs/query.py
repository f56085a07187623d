"""`melanoma query`: SQL over the score table."""

import argparse

from jobs.exits import COMMITTED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    parser.add_argument("sql", metavar="SQL", help="one DuckDB statement over the view scores")


def run(args: argparse.Namespace) -> int:
    """Prints the answer as a table."""
    from melanoma import queries

    print(queries.as_text(queries.query(args.table, args.sql)))
    return COMMITTED
