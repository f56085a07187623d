"""Manifests: what is read of them, and one line for each that cannot be used."""

import datetime
import decimal
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import UsageError
from melanoma.ingest.manifests import Manifest, kept_fields, read_manifest
from melanoma.ingest.sources import check_sources, kept_schema, list_images, with_known_columns
from melanoma.table.schema import score_schema
from tests.helpers.manifests import csv_manifest, parquet_manifest, touch


def refusal(source: Manifest) -> str:
    with pytest.raises(UsageError) as caught:
        list(list_images(source))
    said = str(caught.value)
    assert said.startswith("--") and "\n" not in said
    return said


KINDS = "age,weight,born,seen,smoker,code,site,empty"
FIRST = "61,70.5,1960-01-02,2026-01-31T08:30:00Z,true,007,left,"
TYPES = ("int64", "double", "date32[day]", "timestamp[us, tz=UTC]", "bool", "string", "string", "string")


def test_kept_columns_of_a_csv_have_the_type_that_fits_every_value(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    text = f"uri,image_id,{KINDS}\n{tmp_path}/a.jpg,1,{FIRST}\n{tmp_path}/b.jpg,2,,,,,,,,\n"
    source = csv_manifest(tmp_path, text, *KINDS.split(","))
    assert [str(type_) for type_ in kept_schema([source]).types] == list(TYPES)
    first, second = list_images(source)
    seen = datetime.datetime(2026, 1, 31, 8, 30, tzinfo=datetime.UTC)
    assert first.kept == (61, 70.5, datetime.date(1960, 1, 2), seen, True, "007", "left", None)
    assert (first.image_id, second.image_id, second.kept) == ("1", "2", (None,) * 8)


def known(source: Manifest, **types: pa.DataType) -> Manifest:
    (found,) = with_known_columns([source], pa.schema(list(types.items())))
    assert isinstance(found, Manifest)
    return found


def test_the_type_of_the_score_table_wins(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    source = csv_manifest(tmp_path, f"uri,age,weight\n{tmp_path}/a.jpg,61,70\n{tmp_path}/a.jpg,,\n", "age", "weight")
    types = {"age": pa.string(), "weight": pa.float32()}
    assert dict(zip(types, kept_schema([known(source, **types)]).types, strict=True)) == types
    assert [ref.kept for ref in list_images(known(source, **types))] == [("61", 70.0), (None, None)]
    assert kept_schema([known(source, age=pa.int32())]).types == [pa.int32(), pa.int64()]


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("unknown", pa.int64(), "a whole number without leading zeros, as the column is int64"),
        ("12.5", pa.int64(), "a whole number"),
        ("040", pa.int64(), "a whole number without leading zeros"),
        ("2026-02-30", pa.date32(), "a date such as 2026-01-31"),
        ("yes", pa.bool_(), "true or false"),
        ("high", pa.float64(), "a number such as 1.5"),
    ],
)
def test_a_value_that_no_longer_fits_is_refused_without_its_text(
    tmp_path: Path, value: str, type_: pa.DataType, expected: str
) -> None:
    source = csv_manifest(tmp_path, f"uri,age\na.jpg,\nb.jpg,{value}\n", "age")
    said = refusal(known(source, age=type_))
    assert f"column age, row 3: expected {expected}" in said and value not in said.replace("2026-01-31", "")


def test_a_parquet_manifest_is_not_converted_to_the_type_of_the_table(tmp_path: Path) -> None:
    source = parquet_manifest(tmp_path, {"uri": ["a.jpg"], "age": pa.array([61], pa.int16())}, "age")
    assert kept_schema([known(source, age=pa.string())]).types == [pa.int16()]  # `check_types` refuses it


def test_ids_and_words_of_a_csv_are_text(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b, c.jpg")
    lines = [
        "age,uri,image_id,site,unused",
        f'061,{tmp_path}/a.jpg,007,"left, ""upper"" arm",1',
        f',"{tmp_path}/b, c.jpg",,"two\nlines",x',
        f"1e3,{tmp_path}/absent.jpg,x,Müller,",
    ]
    first, second, third = list_images(csv_manifest(tmp_path, "\n".join(lines) + "\n", "site", "age"))
    assert (first.uri, first.image_id, first.size) == (f"file://{tmp_path}/a.jpg", "007", 1)
    assert first.kept == ('left, "upper" arm', "061")
    assert (second.image_id, second.kept) == ("b, c", ("two\nlines", None))
    assert (third.image_id, third.kept, third.version, third.size) == ("x", ("Müller", "1e3"), "", -1)
    assert kept_schema([csv_manifest(tmp_path, lines[0] + "\n", "site", "age")]) == pa.schema(
        [("site", pa.string()), ("age", pa.string())]
    )


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_line_ends_and_blank_lines_are_not_part_of_a_csv(tmp_path: Path, start: str, end: str) -> None:
    touch(tmp_path, "a.jpg")
    text = start + end.join(["uri,site", f"{tmp_path}/a.jpg,x", "", ""])
    (ref,) = list_images(csv_manifest(tmp_path, text, "site"))
    assert (ref.image_id, ref.kept) == ("a", ("x",))


def test_quoted_line_ends_are_read_in_a_long_csv_too(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    lines = [f'{tmp_path}/a.jpg,"first\nsecond {number}"' for number in range(30_000)]
    source = csv_manifest(tmp_path, "uri,site\n" + "\n".join(lines), "site")
    assert len(source.uri) and kept_schema([source]).names == ["site"]


def test_words_that_often_mean_a_missing_value_are_kept_as_text(tmp_path: Path) -> None:
    touch(tmp_path, "NA.jpg")
    words = ["NA", "nan", "null", "N/A", "-"]
    lines = [f"{tmp_path}/NA.jpg,{word},{word}" for word in words]
    refs = list(list_images(csv_manifest(tmp_path, "uri,image_id,country\n" + "\n".join(lines), "country")))
    assert [(ref.image_id, *ref.kept) for ref in refs] == [(word, word) for word in words]


@pytest.mark.parametrize(
    ("text", "keep", "complaint"),
    [
        ("url;image_id\na.jpg;7\n", [], "no column uri; it has 2 columns, among them url, image_id"),
        (
            "https://b/DOE.jpg?sig=x\nhttps://b/b.jpg\n",
            [],
            "no column uri; it has 1 column; is the first line a header?",
        ),
        ("path\na.jpg\n", [], "no column uri; it has 1 column, among them path"),
        ("URI\na.jpg\n", [], "no column uri; it has 1 column, among them URI"),
        ("uri\na.jpg\n", ["age", "site"], "no column age, site; it has 1 column, among them uri"),
        ("uri,site\n,x\na.jpg,y\n", [], "no uri in 1 row; fill it in or remove the rows"),
        ("uri,site\na.jpg\n", [], "Expected 2 columns, got 1"),
        ("", [], "neither CSV with a header nor Parquet"),
        ("uri,site\na.jpg,Müller\n".encode("latin-1"), ["site"], "invalid UTF8"),
        ("uri,site\na.jpg,x\n".encode("utf-16"), [], "is UTF-16 text, expected UTF-8; save it as"),
        (b"PAR1" + bytes(100), [], "neither CSV with a header nor Parquet"),
        (b"\x1f\x8b\x08\0gzip", [], "is compressed; unpack it first"),
        ("uri\nnostore://x\n", [], None),
    ],
)
def test_an_unusable_manifest_is_refused_with_what_was_found(
    tmp_path: Path, text: str | bytes, keep: list[str], complaint: str | None
) -> None:
    source = csv_manifest(tmp_path, text, *keep)
    if complaint is None:
        with pytest.raises(UsageError, match="store that can be used"):
            check_sources([source])
    else:
        assert complaint in refusal(source)


def test_an_absent_manifest_is_refused(tmp_path: Path) -> None:
    assert "the store has no such file" in refusal(Manifest(str(tmp_path / "absent.csv")))


@pytest.mark.parametrize("keep", [("image_id", "site"), ("uri", "site"), ("site", "site")])
def test_a_column_that_is_kept_already_cannot_be_kept_again(tmp_path: Path, keep: tuple[str, ...]) -> None:
    """Otherwise the values of one column would appear under the name of the next."""
    with pytest.raises(UsageError, match="--keep"):
        list(list_images(csv_manifest(tmp_path, "uri,image_id,site\na.jpg,7,left\n", *keep)))


@pytest.mark.parametrize("header", ["uri,uri", "uri,site,site"])
def test_a_csv_with_two_columns_of_one_name_is_refused(tmp_path: Path, header: str) -> None:
    row = ",".join("x" for _ in header.split(","))
    assert "twice" in refusal(csv_manifest(tmp_path, f"{header}\n{row}\n", *(["site"] if "site" in header else [])))


def test_a_parquet_manifest_keeps_its_types(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    seen = datetime.datetime(2020, 5, 6, 7, 8, 9, 123456)
    columns = {
        "image_id": pa.array([0, None], pa.int64()),
        "age": pa.array([61, None], pa.int16()),
        "weight": pa.array([70.5, None], pa.float64()),
        "uri": [f"{tmp_path}/a.jpg", f"{tmp_path}/b.jpg"],
        "born": pa.array([datetime.date(1960, 1, 2), None], pa.date32()),
        "seen": pa.array([seen, None], pa.timestamp("us")),
        "dose": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2)),
        "smoker": pa.array([True, None]),
    }
    keep = ("age", "weight", "born", "seen", "dose", "smoker")
    first, second = list_images(parquet_manifest(tmp_path, columns, *keep))
    assert first.kept == (61, 70.5, datetime.date(1960, 1, 2), seen, decimal.Decimal("1.25"), True)
    assert second.kept == (None,) * 6
    found = kept_schema([parquet_manifest(tmp_path, columns, *keep)])
    assert found == pa.schema([(name, pa.table(columns).schema.field(name).type) for name in keep])
    assert score_schema(["nevus"], found).names[-6:] == list(keep)


def test_a_number_may_be_an_id(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    columns = {"uri": [f"{tmp_path}/a.jpg"] * 3, "image_id": pa.array([0, 7, None])}
    assert [ref.image_id for ref in list_images(parquet_manifest(tmp_path, columns))] == ["0", "7", "a"]


@pytest.mark.parametrize(
    ("array", "type_", "value"),
    [
        (pa.array(["x"], pa.large_string()), pa.string(), "x"),
        (pa.array(["x"], pa.string_view()), pa.string(), "x"),
        (pa.array(["x"]).dictionary_encode(), pa.string(), "x"),
        (pa.array([3], pa.uint32()), pa.int64(), 3),
        (pa.array([0.5], pa.float16()), pa.float32(), 0.5),
        (pa.array([10**9 + 1], pa.timestamp("ns")), pa.timestamp("us"), datetime.datetime(1970, 1, 1, 0, 0, 1)),
        (
            pa.array([1], pa.timestamp("ms", "Europe/Berlin")),
            pa.timestamp("us", "UTC"),
            datetime.datetime(1970, 1, 1, 0, 0, 0, 1000, datetime.UTC),
        ),
        (pa.array([datetime.date(2020, 1, 2)], pa.date64()), pa.date32(), datetime.date(2020, 1, 2)),
    ],
    ids=lambda value: str(value) if isinstance(value, pa.DataType) else "",
)
def test_kept_types_are_those_that_the_table_returns(
    tmp_path: Path, array: pa.Array, type_: pa.DataType, value: object
) -> None:
    """Otherwise the second run would be refused for a type that the first one wrote."""
    touch(tmp_path, "a.jpg")
    source = parquet_manifest(
        tmp_path, {"uri": pa.array([f"{tmp_path}/a.jpg"], pa.large_string()), "kept": array}, "kept"
    )
    assert kept_schema([source]).field("kept").type == type_
    (ref,) = list_images(source)
    assert ref.kept == (value,)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**63], pa.uint64()),
        pa.array([1], pa.time32("s")),
        pa.array([1], pa.duration("s")),
        pa.nulls(1),
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
    ],
    ids=lambda array: str(array.type),
)
def test_a_type_that_the_table_cannot_hold_is_refused(tmp_path: Path, array: pa.Array) -> None:
    source = parquet_manifest(tmp_path, {"uri": ["a.jpg"], "kept": array}, "kept")
    with pytest.raises(UsageError, match=r"--keep kept: is .*, which the score table cannot hold"):
        kept_schema([source])


@pytest.mark.parametrize("uris", [pa.array([1]), pa.array([b"a.jpg"]), pa.array([["a.jpg"]])], ids=str)
def test_a_uri_that_is_not_text_is_refused(tmp_path: Path, uris: pa.Array) -> None:
    assert "uri" in refusal(parquet_manifest(tmp_path, {"uri": uris}))


def test_a_null_uri_in_parquet_is_refused(tmp_path: Path) -> None:
    assert "no uri in 2 rows" in refusal(parquet_manifest(tmp_path, {"uri": ["a.jpg", None, None]}))


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a.jpg"]), pa.array(["b.jpg"])], ["uri", "uri"])
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    assert "uri" in refusal(csv_manifest(tmp_path, sink.getvalue()))


def test_only_the_columns_of_a_run_are_read(tmp_path: Path) -> None:
    table = read_manifest(csv_manifest(tmp_path, "site,uri,age\nleft,a.jpg,061\n", "age"))
    assert table.column_names == ["uri", "age"] and table.to_pylist() == [{"uri": "a.jpg", "age": "061"}]


def test_the_fields_to_keep_are_those_asked_for_in_their_order(tmp_path: Path) -> None:
    source = csv_manifest(tmp_path, "uri,image_id,site,age\na.jpg,7,left,61\n", "age", "site")
    assert kept_fields(source) == [pa.field("age", pa.int64()), pa.field("site", pa.string())]
    assert kept_fields(csv_manifest(tmp_path, "uri,image_id\na.jpg,7\n")) == []


def test_an_id_that_lost_digits_as_a_float_is_refused(tmp_path: Path) -> None:
    columns = {"uri": ["a.jpg"], "image_id": pa.array([12345678901234567.0])}
    assert "column image_id is double; write it as text" in refusal(parquet_manifest(tmp_path, columns))


def test_repeated_names_to_keep_are_listed_with_the_remedy() -> None:
    with pytest.raises(UsageError, match=r"^--keep age, uri: uri and image_id are always kept, .*remove the repeated"):
        Manifest("m.csv", ("uri", "age", "site", "age"))


def test_blanks_that_a_person_typed_are_no_part_of_a_name_or_an_id(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    text = f"uri ; image_id;site\n {tmp_path}/a.jpg;x1 ; left\n{tmp_path}/b.jpg\t; x2;\n"
    refs = list(list_images(csv_manifest(tmp_path, text, "site")))
    assert [(Path(ref.uri).name, ref.image_id) for ref in refs] == [("a.jpg", "x1"), ("b.jpg", "x2")]
    assert all(ref.version for ref in refs)
