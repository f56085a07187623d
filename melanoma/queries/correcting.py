"""Finds what tonight's manifest says differently from the score table about photographs that are scored already."""

from collections.abc import Sequence

import pyarrow as pa

from melanoma.queries.corrected_scores import RAW
from melanoma.queries.view import quoted
from melanoma.queries.views import Additions, query
from melanoma.table.corrections import CORRECTED, NAME, SCHEMA, Corrections
from melanoma.table.score_table import ScoreTable


def correct(table: ScoreTable, stated: pa.Table) -> int:
    """Brings the corrections of a score table up to date with a manifest.

    A photograph that the manifest lists twice with different values is left as it is.

    Args:
        table: The score table.
        stated: What the manifest says: `image_uri`, and `image_id` and kept columns in the types of the table.

    Returns:
        The number of photographs whose values were corrected.

    Raises:
        UsageError: There is no table, or the file of its corrections is damaged.
        NothingCommittedError: The store or the disk refused.
        ReadError: The store does not answer.
    """
    known = set(table.columns().names)
    columns = [name for name in stated.schema.names if name != NAME and name in known]
    if not columns or not stated.num_rows:
        return 0
    found = query(table, _differences(columns), Additions({"stated": _as_in_table(table, stated)}))
    if found.num_rows:
        _merged(table, Corrections.read(table.layout).rows, found).write(table.layout)
    return int(found.num_rows)


def _as_in_table(table: ScoreTable, stated: pa.Table) -> pa.Table:
    """Returns what the manifest says, under the names that the table has for stores with several."""
    spelling, place = table.spelling(), stated.schema.get_field_index(NAME)
    uris = pa.array(map(spelling.of, stated[NAME].to_pylist()), pa.string())
    return stated.set_column(place, NAME, uris)


def _differences(columns: Sequence[str]) -> str:
    """Returns the query for photographs of which any row differs, in the form of `Corrections.rows`."""
    names = [quoted(name) for name in columns]
    differs = ", ".join(
        f"CASE WHEN bool_or(s.{name} IS DISTINCT FROM m.{name}) THEN {_text(column)} END"
        for name, column in zip(names, columns, strict=True)
    )
    values = ", ".join(f"first(m.{name}) AS {name}" for name in names)
    return f"""
        WITH distinct_rows AS (SELECT DISTINCT {NAME}, {", ".join(names)} FROM stated),
             once AS (FROM distinct_rows QUALIFY count(*) OVER (PARTITION BY {NAME}) = 1)
        SELECT {NAME}, list_filter([{differs}], lambda name: name IS NOT NULL) AS {CORRECTED}, {values}
        FROM once m JOIN scores s USING ({NAME}) GROUP BY {NAME} HAVING len({CORRECTED}) > 0
    """  # noqa: S608 - the names are quoted


def _merged(table: ScoreTable, before: pa.Table, found: pa.Table) -> Corrections:
    """Adds corrections to earlier ones; photographs without a row in the table are left out."""
    own = len(SCHEMA)
    columns = list(dict.fromkeys([*before.schema.names[own:], *found.schema.names[own:]]))
    fields = {field.name: field for rows in (before, found) for field in rows.schema}
    schema = pa.schema([*SCHEMA, *(fields[name] for name in columns)])
    tables = {"before": _widened(before, schema), "found": _widened(found, schema)}
    values = ", ".join(
        f"CASE WHEN list_contains(f.{CORRECTED}, {_text(name)}) THEN f.{quoted(name)} ELSE b.{quoted(name)} END"
        f" AS {quoted(name)}"
        for name in columns
    )
    sql = f"""
        SELECT {NAME}, list_distinct(coalesce(b.{CORRECTED}, []) || coalesce(f.{CORRECTED}, [])) AS {CORRECTED},
               {values}
        FROM before b FULL JOIN found f USING ({NAME})
        WHERE {NAME} IN (SELECT {NAME} FROM {RAW}) ORDER BY {NAME}
    """  # noqa: S608 - the names are quoted
    return Corrections(query(table, sql, Additions(tables)).cast(schema))


def _widened(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [rows[f.name] if f.name in rows.schema.names else pa.nulls(rows.num_rows, f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
