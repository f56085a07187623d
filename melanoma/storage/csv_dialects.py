"""CSV files as spreadsheets and archives write them: other separators, a byte order mark, blanks around names."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.csv

from melanoma.errors import UsageError
from melanoma.wording import counted

_SEPARATORS = (",", ";", "\t", "|")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_HEADER_BYTES = 2**16
# Names of columns that may be quoted in a message. Any other cell of a first line may be a patient's name or a
# signature, for the file may have no header.
_HARMLESS = frozenset({
    *("age", "age_approx", "anatom_site_general", "class", "diagnosis", "diagnostic", "dx", "dx_type"),
    *("file", "filename", "group", "id", "image", "image_id", "image_uri", "img_id", "isic_id", "label"),
    *("labels", "lesion", "lesion_id", "localization", "name", "part", "path", "patient", "patient_id"),
    *("photograph", "region", "sex", "site", "split", "target", "uri", "url"),
    *(f"diagnosis_{level}" for level in range(1, 6)),
})  # fmt: skip


def parsing_of(data: bytes, name: str) -> pyarrow.csv.ParseOptions:
    """Returns how a CSV file is to be parsed, by its first line.

    Args:
        data: The whole file.
        name: What error messages call the table.

    Raises:
        UsageError: The file is UTF-16, as the "Unicode text" of a spreadsheet is.
    """
    if data.startswith(_UTF16):
        raise UsageError(f'{name}: is UTF-16 text, expected UTF-8; save it as "CSV UTF-8"')
    return pyarrow.csv.ParseOptions(delimiter=_separator_in(data), newlines_in_values=True)


def _separator_in(data: bytes) -> str:
    """Returns the separator that occurs most often in the first line, outside of quotation marks; a comma for none."""
    text = data[:_HEADER_BYTES].removeprefix(_UTF8_MARK).decode(errors="replace")
    outside = "".join(text.lstrip("\r\n").split('"')[::2]).replace("\r", "\n").partition("\n")[0]
    return max(_SEPARATORS, key=outside.count)


def without_blanks(table: pa.Table) -> pa.Table:
    """Returns a table with no blanks around the names of its columns."""
    return table.rename_columns([name.strip() for name in table.schema.names])


def columns_in_words(names: Sequence[str]) -> str:
    """Returns what a table has for columns, for error messages: their number, and the names that can harm nobody."""
    known = [name for name in names if name.lower() in _HARMLESS]
    number = counted(len(names), "column")
    if known:
        return f"it has {number}, among them {', '.join(known)}"
    return f"it has {number}; is the first line a header?"
