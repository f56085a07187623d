"""Flags of `melanoma query` that say by which columns or folders views group photographs."""

import argparse
from dataclasses import dataclass

from jobs.console.arg_types import whole
from jobs.console.commands import add_group
from jobs.console.options import Options


@dataclass(frozen=True)
class ViewOptions(Options):
    """By which columns or folders views group photographs; None for the usual ones.

    Attributes:
        lesion_column: Column that says which lesion a photograph shows.
        patient_column: Column that says whom it shows.
        date_column: Column with its date.
        clinic_column: Column that says where it comes from.
        clinic_levels: Number of folder names, below the folder that all photographs share, that make a clinic.
    """

    lesion_column: str | None
    patient_column: str | None
    date_column: str | None
    clinic_column: str | None
    clinic_levels: int

    def roles(self) -> dict[str, str]:
        """Returns the columns that were named, by their roles in `melanoma.queries.view`."""
        named = {
            "lesion": self.lesion_column,
            "patient": self.patient_column,
            "date": self.date_column,
            "clinic": self.clinic_column,
        }
        return {role: column for role, column in named.items() if column is not None}


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `ViewOptions` holds."""
    add_group(
        parser,
        "what the views lesions, patients, over_time and clinics go by",
        {
            "lesion-column": {"metavar": "COL", "help": "kept column with the lesion (default: lesion_id)"},
            "patient-column": {"metavar": "COL", "help": "kept column with the patient (default: patient_id)"},
            "date-column": {
                "metavar": "COL",
                "help": "kept column with the date of a photograph (default: visit_date, else when it was scored)",
            },
            "clinic-column": {
                "metavar": "COL",
                "help": "kept column with the clinic (default: the folders of the photographs)",
            },
            "clinic-levels": {
                "type": whole,
                "default": 1,
                "metavar": "N",
                "help": "folder names, below the folder that all photographs share, that make a clinic (default: 1)",
            },
        },
    )
