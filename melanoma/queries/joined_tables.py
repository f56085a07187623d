"""Tables of the user, such as a list of patients, that a query can join with the views."""

import re
import shlex
from collections.abc import Collection, Sequence

import duckdb
import pyarrow as pa

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.storage.tables import parse_typed_table, read_table_file

_NAMED = re.compile(r"([A-Za-z_]\w*)=(.+)", re.ASCII | re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z]\w*", re.ASCII)  # a leading underscore marks the tables behind the views
_IDS = ("image_id", "image_uri", "uri")  # text in the score table, and so here


def read_joined(words: Sequence[str], taken: Collection[str]) -> dict[str, pa.Table]:
    """Reads the files that a query joins.

    Args:
        words: `FILE`, or `NAME=FILE`, each a CSV or Parquet file in any store.
        taken: Names that the files must not have.

    Returns:
        The tables by name. The name of a file without a `NAME` is that of the file without its extension.

    Raises:
        UsageError: A name cannot be used or is used twice, or a file cannot be read.
        NothingCommittedError: A store does not answer.
    """
    files = dict[str, str]()
    for word in words:
        found = _NAMED.fullmatch(word)
        name, file = (found[1], found[2]) if found else (storage.stem_of(word), word)
        quoted = shlex.quote(file)
        if clash := next((other for other in (*taken, *files) if other.lower() == name.lower()), None):
            raise UsageError(f"--with {word}: there is a view {clash!r} already; write --with my_{name}={quoted}")
        if not _is_usable(name):
            raise UsageError(f"--with {word}: {name!r} cannot be the name of a view; write --with NAME={quoted}")
        files[name] = file
    return {name: _read(file) for name, file in files.items()}


def _read(file: str) -> pa.Table:
    table = parse_typed_table(read_table_file("--with", file), f"--with {file}", _IDS)
    if twice := sorted({name for name in table.column_names if table.column_names.count(name) > 1}):
        raise UsageError(f"--with {file}: column {', '.join(twice)} appears twice; rename or drop one of them")
    return table


def _is_usable(name: str) -> bool:
    """Tells whether a name can be written in SQL without quotation marks."""
    if not _IDENTIFIER.fullmatch(name):
        return False
    try:
        return len(duckdb.extract_statements(f"FROM {name}")) == 1
    except duckdb.Error:  # a reserved word
        return False
