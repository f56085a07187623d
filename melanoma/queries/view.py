"""What a view of the score table is, and what views are built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from melanoma.errors import UsageError


@dataclass(frozen=True)
class ViewInput:
    """What the SQL of a view may depend on.

    Attributes:
        columns: Names of the columns of the score table, in order.
        model_id: The model whose probabilities count; None for an empty table.
        roles: The column of the table that each role names, such as `{"lesion": "lesion_id"}`.
    """

    columns: tuple[str, ...]
    model_id: str | None
    roles: Mapping[str, str] = field(default_factory=dict)


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
        known = {name.lower() for name in given.columns}
        for role in self.needs:
            if (column := given.roles[role]).lower() not in known:
                raise UsageError(
                    f"the view {self.name} needs the column {column!r}, which the score table does not have: keep it "
                    f"from the manifest (melanoma score --manifest … --keep {column}), or name another column with "
                    f"--{role}-column"
                )
        body = self.sql if isinstance(self.sql, str) else self.sql(given)
        return f"CREATE VIEW {quoted(self.name)} AS {body}"


def quoted(name: str) -> str:
    """Returns a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
