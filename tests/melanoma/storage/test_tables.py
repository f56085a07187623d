"""CSV and Parquet tables as text columns: what is kept, what is refused, and what an error must not quote."""

import datetime
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.storage.tables import columns_as_text, parse_table, read_table_file
from tests.helpers import refusing


def parquet(columns: dict[str, object]) -> bytes:
    sink = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def columns(data: bytes, *required: str, optional: tuple[str, ...] = ()) -> dict[str, list[str]]:
    return columns_as_text(parse_table(data, "table.csv", [*required, *optional]), "table.csv", required, optional)


def test_csv_cells_stay_the_text_that_was_written() -> None:
    data = b'id,label\n007,NA\n1e3,"two\nlines"\n true ,\n'
    assert columns(data, "id", "label") == {"id": ["007", "1e3", "true"], "label": ["NA", "two\nlines", ""]}


def test_the_byte_order_mark_and_line_ends_of_windows_are_not_part_of_the_text() -> None:
    assert columns("\ufeffid,label\r\na,nv\r\n".encode(), "id", "label") == {"id": ["a"], "label": ["nv"]}


def test_empty_csv_cells_are_null_before_they_are_text() -> None:
    table = parse_table(b'id,label\na,\nb,""\n', "table.csv", ["id", "label"])
    assert table["label"].to_pylist() == [None, None]


def test_parquet_numbers_nulls_dates_and_dictionaries_become_text() -> None:
    data = parquet(
        {
            "id": pa.array([7, None], pa.int64()),
            "label": pa.array([" nv", "mel"]).dictionary_encode(),
            "day": pa.array([datetime.date(2026, 1, 2), None]),
            "none": pa.array([None, None], pa.null()),
        }
    )
    assert columns(data, "id", "label", "day", "none") == {
        "id": ["7", ""],
        "label": ["nv", "mel"],
        "day": ["2026-01-02", ""],
        "none": ["", ""],
    }


def test_parquet_is_known_by_its_bytes_and_keeps_its_types() -> None:
    table = parse_table(parquet({"id": [1]}), "table.csv", ["id"])
    assert table.schema.field("id").type == pa.int64()


def test_only_requested_columns_are_returned_in_the_requested_order() -> None:
    data = b"a,b,c\n1,2,3\n"
    assert list(columns(data, "c", "a", optional=("b", "absent")).items()) == [("c", ["3"]), ("a", ["1"]), ("b", ["2"])]


def test_a_column_that_is_requested_twice_is_returned_once() -> None:
    assert columns(b"a,b\n1,2\n", "a", "a", optional=("a",)) == {"a": ["1"]}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,class", r"table\.csv: no column 'label', expected one; it has 2 columns, among them id, class"),
        ("idx,labels of DOE", r"no column 'id', expected one; it has 2 columns; is the first line a header\?"),
        ("id,label,label", r"2 column 'label', expected one; it has 3 columns, among them id, label, label"),
    ],
)
def test_a_missing_or_repeated_column_is_refused(header: str, message: str) -> None:
    row = ",".join("x" for _ in header.split(","))
    with pytest.raises(UsageError, match=message):
        columns(f"{header}\n{row}\n".encode(), "id", "label")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_spreadsheet_may_use_its_own_separator_and_mark(separator: str, mark: bytes, end: str) -> None:
    lines = ['"id"SEP label SEP"note, or; more|x"', '"a"SEP nv SEP"1;2,3"', "bSEPSEP"]
    data = mark + end.join(lines).replace("SEP", separator).encode() + end.encode()
    assert columns(data, "id", "label") == {"id": ["a", "b"], "label": ["nv", ""]}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_text_of_a_spreadsheet_is_named(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    with pytest.raises(UsageError, match=r"table\.csv: is UTF-16 text, expected UTF-8") as caught:
        columns(mark + "id\tlabel\nDOE\tnv\n".encode(encoding), "id", "label")
    assert "DOE" not in str(caught.value)


def test_no_cell_of_a_first_line_is_quoted_unless_it_is_the_name_of_a_common_column() -> None:
    for line in ("DOE-JANE.jpg?sig=abc", "DOE JANE,melanoma", "s3://b/DOE.jpg;1"):
        with pytest.raises(UsageError) as caught:
            columns(f"{line}\n{line}\n".encode(), "id", "label")
        assert "DOE" not in str(caught.value) and "is the first line a header?" in str(caught.value)


def test_a_repeated_column_that_is_not_requested_does_no_harm() -> None:
    assert columns(b"id,note,note\na,x,y\n", "id") == {"id": ["a"]}


def test_a_column_of_lists_is_refused_with_its_type() -> None:
    with pytest.raises(UsageError, match=r"column 'label' is list<.*>, expected text or numbers"):
        columns(parquet({"label": [["nv"]]}), "label")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "Empty CSV file"),
        (b"id,label\nDOE,nv\nDOE,nv,more\n", r"Expected 2 columns, got 3"),
        (b"id,label\nDOE\n", r"Expected 2 columns, got 1"),
        ("id,label\nDOE,M\xfcller\n".encode("latin-1"), "invalid UTF8"),
        (b"PAR1 DOE", ""),
    ],
)
def test_damaged_bytes_are_refused_without_quoting_a_cell(data: bytes, detail: str) -> None:
    with pytest.raises(UsageError, match=f"table.csv: neither CSV with a header nor Parquet .*{detail}") as caught:
        columns(data, "id", "label")
    assert "DOE" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_file_is_read_from_any_store_and_a_missing_one_is_refused_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"id\n")
    assert read_table_file("--labels", str(tmp_path / "table.csv")) == b"id\n"
    with pytest.raises(UsageError, match=r"--labels .*absent\.csv: .*check the path and its permissions"):
        read_table_file("--labels", str(tmp_path / "absent.csv"))
    with pytest.raises(UsageError, match="a folder"):
        read_table_file("--labels", str(tmp_path))


def test_a_store_that_does_not_answer_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    MemoryFileSystem().pipe_file("/slow.csv", b"id\n")
    monkeypatch.setattr(
        MemoryFileSystem, "cat_file", refusing("slow.csv", MemoryFileSystem.cat_file, TimeoutError("late"))
    )
    with pytest.raises(NothingCommittedError, match=r"--manifest memory://slow\.csv: .*try again"):
        read_table_file("--manifest", "memory://slow.csv")


@pytest.mark.parametrize(
    "line", [b"sep=;\n", b"sep=;\r\n", b"SEP=;\r", b'"sep=;"\n', b"\xef\xbb\xbfsep=;\n", b"sep=;;\n"]
)
def test_the_line_in_which_a_spreadsheet_states_its_separator_is_no_header(line: bytes) -> None:
    assert columns(line + b"id;a,b,c\n1;2\n", "id") == {"id": ["1"]}


@pytest.mark.parametrize("rest", [
    b",\n,\n", b"\n  \n\n", b"\x1a", bytes(40), b",\r\n", b"\r\n\r\n",
])  # fmt: skip
def test_rows_of_nothing_but_separators_and_blanks_are_no_rows(rest: bytes) -> None:
    data = b"id,label\r\n1,nv\r\n" + rest
    assert columns(data, "id", "label") == {"id": ["1"], "label": ["nv"]}
    assert parse_table(data, "t", ["id"]).num_rows == 1


def test_a_row_with_an_empty_cell_is_kept() -> None:
    assert columns(b"id,label\n1,\n,nv\n", "id", "label") == {"id": ["1", ""], "label": ["", "nv"]}


@pytest.mark.parametrize(("data", "line"), [
    (b'id,label\n1,"nv\n2,mel\n', 2), (b'id,label\n1,nv\n2,"DOE\n3,nv\n4,"x"\n', 3), (b'id;label\n1;"a""\n2;b\n', 2),
    (b'id,label\r\n"1,nv\r\n2,"mel"\r\n', 2), (b'id\tlabel\n1\t"\n2\tb\n', 2),
])  # fmt: skip
def test_a_quotation_mark_that_is_not_closed_hides_no_row(data: bytes, line: int) -> None:
    with pytest.raises(UsageError, match=f"quotation mark in line {line} is not closed") as caught:
        columns(data, "id", "label")
    assert "DOE" not in str(caught.value)


@pytest.mark.parametrize(("cell", "value"), [
    ('"two\nlines"', "two\nlines"), ('"a ""b"" c"', 'a "b" c'), ('5" lens', '5" lens'), ('""', ""), ('"x" ', "x"),
    ('"a,b\n\n""c"""', 'a,b\n\n"c"'),
])  # fmt: skip
def test_quotation_marks_that_are_closed_or_stand_within_a_cell_are_read(cell: str, value: str) -> None:
    assert columns(f"id,note\n1,{cell}\n2,b\n".encode(), "id", "note") == {"id": ["1", "2"], "note": [value, "b"]}


@pytest.mark.parametrize("cell", ["x" * 3_000_000, '"' + "x,\n" * 1_000_000 + '"'])
def test_a_cell_may_be_of_any_length(cell: str) -> None:
    assert columns(f"id,note\nA,{cell}\nB,y\n".encode(), "id") == {"id": ["A", "B"]}


@pytest.mark.parametrize("header", ["\ufeff\ufeffid", "\u200bid", "id\u00a0", " \u2060id "])
def test_invisible_marks_around_a_name_are_no_part_of_it(header: str) -> None:
    assert columns(f"{header},label\n007,nv\n".encode(), "id") == {"id": ["007"]}


@pytest.mark.parametrize(("data", "words"), [
    ("id\nA\n".encode("utf-16"), "UTF-16"), ("id\nA\n".encode("utf-16-le"), "UTF-16"),
    ("id\nA\n".encode("utf-16-be"), "UTF-16"), ("id\nA\n".encode("utf-32"), "UTF-32"),
    (b"PK\3\4DOE", "workbook"), (b"\xd0\xcf\x11\xe0DOE", "workbook"), (b"\x1f\x8b\x08\0DOE", "unpack"),
    (b"BZhDOE", "unpack"), (b"(\xb5/\xfdDOE", "unpack"), (b"\xef\xbb\xbf\n<html>DOE", "web page"),
    (b"%PDF-1.7 DOE", "PDF"),
    (b'[{"id": "DOE"}]', "JSON"), (b'{"id": "DOE"}', "JSON"), (b"SQLite format 3\0", "database"),
    (b"ARROW1\0\0", "Feather"),
    (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ("id\nM\xfcller\n".encode("latin-1"), "CSV UTF-8"),
])  # fmt: skip
def test_what_is_no_csv_is_named_with_the_remedy(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        columns(data, "id")
    assert "DOE" not in str(caught.value)


def test_a_row_of_another_length_is_named_by_its_number() -> None:
    with pytest.raises(UsageError, match=r"Row #3, Expected 2 columns, got 3"):
        columns(b"id,label\n1,nv\n2,nv,DOE\n", "id")
