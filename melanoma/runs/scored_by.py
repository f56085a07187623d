"""Which engine scored the rows of a staged file, in the file itself: not always the one that the run expected."""

import pyarrow as pa

_KEY = b"engine"


def with_engine(rows: pa.Table, engine: str) -> pa.Table:
    """Returns rows with the version of the engine that scored them as their only metadata; empty for none."""
    return rows.replace_schema_metadata({_KEY: engine} if engine else None)


def is_of(engine: str, rows: pa.Table) -> bool:
    """Tells whether an engine has scored the rows, or none has.

    Args:
        engine: What its version begins with; empty for any.
        rows: As they were staged.
    """
    found = (rows.schema.metadata or {}).get(_KEY, b"").decode(errors="replace")
    return not found or found.startswith(engine)
