"""CSV files as spreadsheets and archives write them: other separators, a byte order mark, blanks around names."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.storage.table_kinds import refuse_other_kinds
from melanoma.wording import counted

_SEPARATORS = (",", ";", "\t", "|")
_UTF8_MARK = b"\xef\xbb\xbf"
_HEADER_BYTES = 2**16
_STATED_SEPARATOR = re.compile(rb'"?sep=([,;|\t])"?[,;|\t ]*(?:\r\n|\r|\n)', re.IGNORECASE)  # a line that Excel reads
_INVISIBLE = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\u2060\ufeff"
# Names of columns that may be quoted in a message. Any other cell of a first line may be a patient's name or a
# signature, for the file may have no header.
_HARMLESS = frozenset({
    *("age", "age_approx", "anatom_site_general", "class", "diagnosis", "diagnostic", "dx", "dx_type"),
    *("file", "filename", "group", "id", "image", "image_id", "image_uri", "img_id", "isic_id", "label"),
    *("labels", "lesion", "lesion_id", "localization", "name", "part", "path", "patient", "patient_id"),
    *("photograph", "region", "sex", "site", "split", "target", "uri", "url"),
    *(f"diagnosis_{level}" for level in range(1, 6)),
})  # fmt: skip


class Dialect(NamedTuple):
    """How a CSV file is written.

    Attributes:
        data: The file without byte order mark and without the line in which a spreadsheet states its separator.
        separator: What stands between two cells.
    """

    data: bytes
    separator: str


def dialect_of(data: bytes, name: str) -> Dialect:
    """Returns how a CSV file is written, by its first line.

    Args:
        data: The whole file.
        name: What error messages call the table.

    Raises:
        UsageError: The file is no CSV, or a quotation mark in it is never closed.
    """
    refuse_other_kinds(data, name)
    plain = data.removeprefix(_UTF8_MARK)
    stated = _STATED_SEPARATOR.match(plain)
    if stated:
        plain = plain[stated.end() :]
    separator = stated[1].decode() if stated else _separator_in(plain)
    _refuse_open_quotes(plain, separator, name)
    return Dialect(plain, separator)


def _separator_in(data: bytes) -> str:
    """Returns the separator that occurs most often in the first line, outside of quotation marks; a comma for none."""
    text = data[:_HEADER_BYTES].decode(errors="replace")
    outside = "".join(text.lstrip("\r\n").split('"')[::2]).replace("\r", "\n").partition("\n")[0]
    return max(_SEPARATORS, key=outside.count)


def _refuse_open_quotes(data: bytes, separator: str, name: str) -> None:
    """Refuses a quotation mark that opens a cell and is not closed at its end: it would hide the rows behind it."""
    if not _has_quoted_line_ends(data):
        return
    edges = separator.encode() + b"\r\n"
    quoted = re.compile(rb'(?:\A|(?<=[%s]))"((?:[^"]++|"")*+)("?)' % re.escape(edges))
    for cell in quoted.finditer(data):
        behind = data[cell.end() : cell.end() + 1]
        if not cell[2] or (b"\n" in cell[1] and behind not in edges + b" \t"):
            line = data.count(b"\n", 0, cell.start()) + 1
            raise UsageError(f"{name}: a quotation mark in line {line} is not closed; correct the line")


def _has_quoted_line_ends(data: bytes) -> bool:
    """Returns whether a line may end inside of quotation marks: an odd number of these stands before its end."""
    text = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(text == ord('"'))
    ends = np.append(np.flatnonzero((text == ord("\n")) | (text == ord("\r"))), len(text))
    return bool((np.searchsorted(marks, ends) % 2).any())


def plain_name(name: str) -> str:
    """Returns the name of a column without blanks and invisible marks around it."""
    return name.strip(_INVISIBLE)


def without_blanks(table: pa.Table) -> pa.Table:
    """Returns a table with no blanks around the names of its columns."""
    return table.rename_columns([plain_name(name) for name in table.schema.names])


def columns_in_words(names: Sequence[str]) -> str:
    """Returns what a table has for columns, for error messages: their number, and the names that can harm nobody."""
    known = [name for name in names if name.lower() in _HARMLESS]
    number = counted(len(names), "column")
    if known:
        return f"it has {number}, among them {', '.join(known)}"
    return f"it has {number}; is the first line a header?"
