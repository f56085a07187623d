"""What a view of the score table is, and what views are built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.table.schema import PROBABILITY_PREFIX


@dataclass(frozen=True)
class ViewInput:
    """What the SQL of a view may depend on.

    Attributes:
        schema: Columns of the score table.
        model_id: The model whose probabilities count; None for an empty table.
        roles: The column of the table that each role names, such as `{"lesion": "lesion_id"}`.
        clinic_levels: Number of folder names, below the folder that all photographs share, that make a clinic.
    """

    schema: pa.Schema
    model_id: str | None
    roles: Mapping[str, str] = field(default_factory=dict)
    clinic_levels: int = 1

    @property
    def probabilities(self) -> list[str]:
        """Names of the columns with probabilities, in order."""
        return [name for name in self.schema.names if name.startswith(PROBABILITY_PREFIX)]

    def find(self, name: str) -> pa.Field | None:
        """Returns a column by its name in any case, as in SQL; None if the table has no such column."""
        return next((field for field in self.schema if field.name.lower() == name.lower()), None)

    def column_for(self, role: str, view: str) -> pa.Field:
        """Returns the column that a role names.

        Args:
            role: One of `roles`.
            view: Name of the view that needs it.

        Raises:
            UsageError: The table lacks the column.
        """
        if (found := self.find(self.roles[role])) is not None:
            return found
        column = self.roles[role]
        raise UsageError(
            f"the view {view} needs the column {column!r}, which the score table does not have: keep it from the "
            f"manifest (melanoma score --manifest … --keep {column}), or name another column with --{role}-column"
        )


@dataclass(frozen=True)
class View:
    """One view of the score table.

    Attributes:
        name: Its name in SQL.
        sql: The query behind it, or a function that writes the query. It may use every view that is listed before it.
        needs: Roles whose columns the table must have; without them only this view cannot be used.
    """

    name: str
    sql: str | Callable[[ViewInput], str]
    needs: tuple[str, ...] = ()

    def definition(self, given: ViewInput) -> str:
        """Returns the statement that creates the view.

        Raises:
            UsageError: The table lacks a column that the view needs.
        """
        for role in self.needs:
            given.column_for(role, self.name)
        body = self.sql if isinstance(self.sql, str) else self.sql(given)
        return f"CREATE VIEW {quoted(self.name)} AS {body}"


def quoted(name: str) -> str:
    """Returns a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def is_filled(name: str) -> str:
    """Returns the SQL condition that a column holds an id: neither null nor blank text."""
    return f"trim(CAST({quoted(name)} AS VARCHAR)) <> ''"
