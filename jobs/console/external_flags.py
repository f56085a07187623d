"""Flags that name labelled photographs of other hospitals; the same for every command that has an external part."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console.commands import add_group
from jobs.console.options import Options
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.evaluation.inputs.external_labels import ExternalColumns

EXTERNAL_FLAGS: dict[str, dict[str, Any]] = {
    "external": {
        "action": "append",
        "default": [],
        "metavar": "TABLE",
        "help": "CSV or Parquet file, or folder with one subfolder per class, with labels of photographs from another "
        "hospital or collection, which is named like the file; repeatable",
    },
    "external-id-column": {"metavar": "NAME", "help": "column of --external: file name or id of the photograph"},
    "external-label-column": {"metavar": "NAME", "help": "column of --external: class"},
    "external-group-column": {"metavar": "NAME", "help": "column of --external: lesion or patient"},
    "external-source-column": {
        "metavar": "NAME",
        "help": "column of --external: hospital, camera or collection, if a table has several; no ids of patients",
    },
}


@dataclass(frozen=True)
class ExternalOptions(Options):
    """External labels, as `EXTERNAL_FLAGS` declare them.

    Attributes:
        external: Label files or folders.
        external_id_column: Column with the photograph's id; None for that of a known collection.
        external_label_column: Column with the class; None likewise.
        external_group_column: Column with the lesion or patient.
        external_source_column: Column with the source; None if each table is one source.
    """

    external: tuple[str, ...]
    external_id_column: str | None
    external_label_column: str | None
    external_group_column: str | None
    external_source_column: str | None

    def external_columns(self) -> "ExternalColumns":
        """Returns the names of the columns.

        Raises:
            UsageError: Columns are named, but no table.
        """
        from melanoma.evaluation.inputs.external_labels import ExternalColumns

        names = (self.external_id_column, self.external_label_column, self.external_group_column)
        if any((*names, self.external_source_column)) and not self.external:
            raise UsageError("--external-id-column and the like go with --external; give a table, or leave them out")
        return ExternalColumns(*names, self.external_source_column)


EXTERNAL_ROOT: dict[str, Any] = {
    "action": "append",
    "default": [],
    "metavar": "FOLDER",
    "help": "folder of the photographs that --external lists; repeatable",
}
TRAINING_PHOTOGRAPHS = (
    "folder of the photographs that --trained-on lists: looks for photographs that look like one of them; repeatable"
)


def add_external_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `ExternalOptions` holds."""
    add_group(parser, "photographs of other hospitals", EXTERNAL_FLAGS)
