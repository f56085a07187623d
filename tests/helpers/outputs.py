"""The output folder of a test: its layout, and its score table as it is now."""

from pathlib import Path

from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


def layout_of(output: Path | str) -> OutputLayout:
    """Returns the layout of an output folder."""
    return OutputLayout.at(str(output))


def table_in(output: Path | str) -> ScoreTable:
    """Opens the score table of an output folder, if there is one."""
    return ScoreTable.open(layout_of(output))
