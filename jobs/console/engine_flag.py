"""The flag of every command that runs a network."""

import argparse

from melanoma.model.engine_names import AUTO, ENGINES


def add_engine_argument(parser: argparse.ArgumentParser) -> None:
    """Declares `--engine`."""
    parser.add_argument(
        "--engine",
        choices=(AUTO, *ENGINES),
        default=AUTO,
        metavar="ENGINE",
        help=f"what runs the network: {', '.join(ENGINES)}, or auto, which takes the first of these that is installed, "
        "has a file in the bundle, computes in its precision and reproduces its golden samples (default: %(default)s)",
    )
