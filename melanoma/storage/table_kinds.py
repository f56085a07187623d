"""Recognises files that are no CSV by their first bytes, and says what to do with them."""

from melanoma.errors import UsageError

_SAVE = 'expected UTF-8; save it as "CSV UTF-8"'
_UNPACK = "is compressed; unpack it first"
# The mark of UTF-32 begins with that of UTF-16, and so stands first.
_KINDS = (
    (b"\xff\xfe\0\0", f"is UTF-32 text, {_SAVE}"),
    (b"\0\0\xfe\xff", f"is UTF-32 text, {_SAVE}"),
    (b"\xff\xfe", f"is UTF-16 text, {_SAVE}"),
    (b"\xfe\xff", f"is UTF-16 text, {_SAVE}"),
    (b"PK\3\4", 'is a workbook (.xlsx, .ods) or a zip archive; save it as "CSV UTF-8"'),
    (b"\xd0\xcf\x11\xe0", 'is a workbook of old Excel (.xls); save it as "CSV UTF-8"'),
    *((magic, _UNPACK) for magic in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"(\xb5/\xfd")),
    (b"%PDF", "is a PDF; export the table as CSV"),
    (b"SQLite format 3", "is a database; export the table as CSV"),
    (b"ARROW1", "is an Arrow or Feather file; write it as Parquet"),
    (b"version https://git-lfs", "is a pointer of Git LFS; run git lfs pull"),
    (b"<", "is a web page or XML; download the table again, or export it as CSV"),
    (b"[{", "is JSON; write it as CSV or Parquet"),
    (b'{"', "is JSON; write it as CSV or Parquet"),
)
_SEEN_BYTES = 64


def refuse_other_kinds(data: bytes, name: str) -> None:
    """Refuses a file that is no CSV.

    Args:
        data: The whole file.
        name: What the error calls the table.

    Raises:
        UsageError: It is text of another encoding, a workbook, compressed, or a web page, and so on.
    """
    start = data[:_SEEN_BYTES]
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if kind := next((kind for magic, kind in _KINDS if text.startswith(magic) or start.startswith(magic)), None):
        raise UsageError(f"{name}: {kind}")
    if any(len(half) > 1 and not any(half) for half in (start[::2], start[1::2])):
        raise UsageError(f"{name}: is UTF-16 text, {_SAVE}")
