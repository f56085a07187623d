"""What is asked for is listed once each, under its own name; a manifest that cannot be meant is refused in one line."""

import datetime
import decimal
import io
import os
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS, ImageSpec
from melanoma.ingest.file_names import is_photograph
from melanoma.ingest.image_refs import ImageRef, digest_of, distinct
from melanoma.ingest.loading import load
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.sources import Root, check_sources, kept_schema, list_images
from melanoma.table.schema import score_schema


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def ids(root: Path | str, pattern: str | None = None, ignored: Counter[str] | None = None) -> list[str]:
    return [ref.image_id for ref in list_images(Root(str(root), pattern), ignored)]


def manifest(folder: Path, text: str | bytes, *keep: str) -> Manifest:
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Manifest(str(path), keep)


def parquet(folder: Path, columns: Any, *keep: str) -> Manifest:
    path = folder / "manifest.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return Manifest(str(path), keep)


def refusal(source: Manifest) -> str:
    with pytest.raises(UsageError) as caught:
        list(list_images(source))
    said = str(caught.value)
    assert said.startswith("--") and "\n" not in said
    return said


def test_a_root_gives_photographs_with_version_size_and_stem(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.b.PNG")
    first, second = list_images(Root(str(tmp_path)))
    assert first.uri == f"file://{tmp_path}/a.jpg" and second.uri == f"file://{tmp_path}/sub/b.b.PNG"
    assert (first.image_id, second.image_id) == ("a", "b.b")
    assert first.version and (first.size, first.kept, first.attempt) == (1, (), 1)


@pytest.mark.parametrize("extension", sorted(IMAGE_EXTENSIONS))
def test_extensions_count_in_any_case(extension: str) -> None:
    assert extension.startswith(".")
    for spelling in (extension, extension.upper(), extension.title()):
        assert is_photograph(f"a{spelling}")
    assert not is_photograph(f"a{extension}.txt") and not is_photograph(extension)


@pytest.mark.parametrize(
    "name", ["notes.txt", "jpg", "a.jpg~", "a.mp4", "a.dcm", "a.jpg.part", "", ".jpg", "a.", "ajpg"]
)
def test_what_has_no_extension_of_a_photograph_is_none(name: str) -> None:
    assert not is_photograph(name)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", {"A.JPG", "b.jpg", "c.dat", "IMG_1"}),
        ("*.jpg", {"A.JPG", "b.jpg"}),
        ("*.JPG", {"A.JPG", "b.jpg"}),
        ("img_?", {"IMG_1"}),
        ("[a-b].*", {"A.JPG", "b.jpg"}),
        ("*.tif", set()),
    ],
)
def test_a_pattern_replaces_the_extensions_and_minds_no_case(tmp_path: Path, pattern: str, expected: set[str]) -> None:
    touch(tmp_path, "A.JPG", "sub/b.jpg", "c.dat", "IMG_1")
    found = {Path(ref.uri).name for ref in list_images(Root(str(tmp_path), pattern))}
    assert found == expected


def test_what_is_ignored_is_counted_by_kind_and_never_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.txt", "sub/c.TXT", "d", "e.jpg.gz", ".hidden")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    ignored = Counter[str]()
    assert ids(tmp_path, ignored=ignored) == ["a"]
    assert ignored == {".txt": 2, "no extension": 2, ".gz": 1, "links and devices": 1}


def test_what_stands_behind_a_dot_may_be_a_name_and_is_not_passed_on(tmp_path: Path) -> None:
    touch(tmp_path, "1.2.840.mueller anna 1970-01-01", "x.anna", "y.\x1b[31m", "z.604688111", "w.DCM")
    ignored = Counter[str]()
    assert ids(tmp_path, ignored=ignored) == []
    assert ignored == {"another extension": 4, ".dcm": 1}


def test_roots_may_be_files_globs_and_archives(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/b/2.jpg", "a/b/3.txt", "c[1]/4.jpg")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("x/5.jpg", b"x")
        archive.writestr("6.txt", b"x")
    assert ids(tmp_path / "a" / "1.jpg") == ["1"]
    assert ids(f"{tmp_path}/a/**/*.jpg") == ["1", "2"]
    assert ids(f"{tmp_path}/*/b/*") == ["2"]
    assert ids(f"{tmp_path}/c[1]") == ["4"]
    assert ids(f"zip://{tmp_path}/in.zip") == ["5"]
    (member,) = list_images(Root(f"zip://{tmp_path}/in.zip"))
    assert member.uri == f"zip://x/5.jpg::file://{tmp_path}/in.zip"
    assert ids(f"zip://{tmp_path}/in.zip", "*.TXT") == ["6"]


def test_a_root_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        ids(tmp_path / "absent")
    assert caught.value.kind is ErrorKind.MISSING


def test_sources_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "full/a.jpg", "bare/notes.txt")
    full, bare = str(tmp_path / "full"), str(tmp_path / "bare")
    assert check_sources([Root(full), Root(bare), Root(f"{full}/*.png")]) == [bare, f"{full}/*.png"]
    assert check_sources([manifest(tmp_path, "uri\n")]) == [str(tmp_path / "manifest.csv")]
    assert check_sources([manifest(tmp_path, "uri\nabsent.jpg\n")]) == []
    with pytest.raises(UsageError, match=r"absent: .*; check --images for a typing error"):
        check_sources([Root(full), Root(str(tmp_path / "absent"))])


def test_roots_that_overlap_name_a_photograph_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "in/sub/a.jpg")
    monkeypatch.chdir(tmp_path)
    spellings = ["in", "./in/", f"{tmp_path}/in/sub", f"file://{tmp_path}/in", "in/*/*.jpg", "in/../in", "in//sub"]
    refs = [ref for spelling in spellings for ref in list_images(Root(spelling))]
    assert len(refs) == len(spellings) and len(distinct(refs)) == 1


def test_duplicates_are_dropped_in_an_order_of_their_own() -> None:
    refs = [ImageRef(f"file:///{name}", version, 1, "x") for name in "bac" for version in "21"]
    assert distinct(refs) == distinct(refs[::-1])
    assert [ref.uri for ref in distinct(refs)] == ["file:///a", "file:///b", "file:///c"]


def test_a_version_of_a_photograph_has_a_short_digest() -> None:
    assert digest_of("file:///a", "1") == digest_of("file:///a", "1") != digest_of("file:///a", "2")
    assert len(digest_of("", "")) == 16


def test_a_csv_gives_ids_and_kept_columns_as_text(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b, c.jpg")
    lines = [
        "age,uri,image_id,site,unused",
        f'061,{tmp_path}/a.jpg,007,"left, ""upper"" arm",1',
        f',"{tmp_path}/b, c.jpg",,"two\nlines",x',
        f"1e3,{tmp_path}/absent.jpg,x,Müller,",
    ]
    first, second, third = list_images(manifest(tmp_path, "\n".join(lines) + "\n", "site", "age"))
    assert (first.uri, first.image_id, first.size) == (f"file://{tmp_path}/a.jpg", "007", 1)
    assert first.kept == ('left, "upper" arm', "061")
    assert (second.image_id, second.kept) == ("b, c", ("two\nlines", None))
    assert (third.image_id, third.kept, third.version, third.size) == ("x", ("Müller", "1e3"), "", -1)
    assert kept_schema([manifest(tmp_path, lines[0] + "\n", "site", "age")]) == pa.schema(
        [("site", pa.string()), ("age", pa.string())]
    )


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_line_ends_and_blank_lines_are_no_part_of_a_csv(tmp_path: Path, start: str, end: str) -> None:
    touch(tmp_path, "a.jpg")
    text = start + end.join(["uri,site", f"{tmp_path}/a.jpg,x", "", ""])
    (ref,) = list_images(manifest(tmp_path, text, "site"))
    assert (ref.image_id, ref.kept) == ("a", ("x",))


def test_quoted_line_ends_are_read_in_a_long_csv_too(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    lines = [f'{tmp_path}/a.jpg,"first\nsecond {number}"' for number in range(30_000)]
    source = manifest(tmp_path, "uri,site\n" + "\n".join(lines), "site")
    assert len(source.uri) and kept_schema([source]).names == ["site"]


def test_a_word_that_looks_like_nothing_is_kept_as_it_is(tmp_path: Path) -> None:
    touch(tmp_path, "NA.jpg")
    words = ["NA", "nan", "null", "N/A", "-"]
    lines = [f"{tmp_path}/NA.jpg,{word},{word}" for word in words]
    refs = list(list_images(manifest(tmp_path, "uri,image_id,country\n" + "\n".join(lines), "country")))
    assert [(ref.image_id, *ref.kept) for ref in refs] == [(word, word) for word in words]


@pytest.mark.parametrize(
    ("text", "keep", "complaint"),
    [
        ("uri;image_id\na.jpg;7\n", [], "no column uri; it has uri;image_id"),
        ("uri;site\na.jpg;left, upper\n", [], "neither CSV with a header nor Parquet"),
        ("path\na.jpg\n", [], "no column uri; it has path"),
        ("URI\na.jpg\n", [], "no column uri; it has URI"),
        ("uri\na.jpg\n", ["age", "site"], "no column age, site; it has uri"),
        ("uri,site\n,x\na.jpg,y\n", [], "1 rows have no uri; fill them in or remove the rows"),
        ("uri,site\na.jpg\n", [], "Expected 2 columns, got 1"),
        ("", [], "neither CSV with a header nor Parquet"),
        ("uri,site\na.jpg,Müller\n".encode("latin-1"), ["site"], "invalid UTF8"),
        ("uri,site\na.jpg,x\n".encode("utf-16"), [], "neither CSV with a header nor Parquet"),
        (b"PAR1" + bytes(100), [], "neither CSV with a header nor Parquet"),
        (b"\x1f\x8b\x08\0gzip", [], "neither CSV with a header nor Parquet"),
        ("uri\nnostore://x\n", [], None),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused_with_what_was_found(
    tmp_path: Path, text: str | bytes, keep: list[str], complaint: str | None
) -> None:
    source = manifest(tmp_path, text, *keep)
    if complaint is None:
        with pytest.raises(UsageError, match="store that can be used"):
            check_sources([source])
    else:
        assert complaint in refusal(source)


def test_an_absent_manifest_is_refused(tmp_path: Path) -> None:
    assert "the store has no such file" in refusal(Manifest(str(tmp_path / "absent.csv")))


@pytest.mark.parametrize("keep", [("image_id", "site"), ("uri", "site"), ("site", "site")])
def test_a_column_that_is_there_already_or_twice_is_never_kept(tmp_path: Path, keep: tuple[str, ...]) -> None:
    """Else the values of one column would stand under the name of the next."""
    with pytest.raises(UsageError, match="--keep"):
        list(list_images(manifest(tmp_path, "uri,image_id,site\na.jpg,7,left\n", *keep)))


@pytest.mark.parametrize("header", ["uri,uri", "uri,site,site"])
def test_a_csv_with_two_columns_of_one_name_is_refused(tmp_path: Path, header: str) -> None:
    row = ",".join("x" for _ in header.split(","))
    assert "twice" in refusal(manifest(tmp_path, f"{header}\n{row}\n", *(["site"] if "site" in header else [])))


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
    first, second = list_images(parquet(tmp_path, columns, *keep))
    assert first.kept == (61, 70.5, datetime.date(1960, 1, 2), seen, decimal.Decimal("1.25"), True)
    assert second.kept == (None,) * 6
    found = kept_schema([parquet(tmp_path, columns, *keep)])
    assert found == pa.schema([(name, pa.table(columns).schema.field(name).type) for name in keep])
    assert score_schema(["nevus"], found).names[-6:] == list(keep)


def test_a_number_may_be_an_id(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    columns = {"uri": [f"{tmp_path}/a.jpg"] * 3, "image_id": pa.array([0, 7, None])}
    assert [ref.image_id for ref in list_images(parquet(tmp_path, columns))] == ["0", "7", "a"]


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
def test_kept_types_are_those_that_the_table_gives_back(
    tmp_path: Path, array: pa.Array, type_: pa.DataType, value: object
) -> None:
    """Else the second night would be refused for a type that the first one wrote."""
    touch(tmp_path, "a.jpg")
    source = parquet(tmp_path, {"uri": pa.array([f"{tmp_path}/a.jpg"], pa.large_string()), "kept": array}, "kept")
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
def test_a_type_that_the_table_cannot_hold_is_refused_before_the_night(tmp_path: Path, array: pa.Array) -> None:
    source = parquet(tmp_path, {"uri": ["a.jpg"], "kept": array}, "kept")
    with pytest.raises(UsageError, match=r"--keep kept: is .*, which the score table cannot hold"):
        kept_schema([source])


@pytest.mark.parametrize("name", ["Status", "IMAGE_URI", "P_Nevus"])
def test_names_that_differ_in_case_alone_are_one_name(name: str) -> None:
    """Delta Lake and DuckDB mind no case."""
    with pytest.raises(UsageError, match=f"--keep {name}: the score table has a column of that name"):
        score_schema(["nevus"], pa.schema([(name, pa.string())]))


@pytest.mark.parametrize("uris", [pa.array([1]), pa.array([b"a.jpg"]), pa.array([["a.jpg"]])], ids=str)
def test_a_uri_that_is_no_text_is_refused(tmp_path: Path, uris: pa.Array) -> None:
    assert "uri" in refusal(parquet(tmp_path, {"uri": uris}))


def test_a_null_uri_in_parquet_is_refused(tmp_path: Path) -> None:
    assert "2 rows have no uri" in refusal(parquet(tmp_path, {"uri": ["a.jpg", None, None]}))


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a.jpg"]), pa.array(["b.jpg"])], ["uri", "uri"])
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    assert "uri" in refusal(manifest(tmp_path, sink.getvalue()))


def test_spellings_of_one_uri_in_a_manifest_are_one_photograph(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    spellings = [f"{tmp_path}/a.jpg", f"file://{tmp_path}/a.jpg", f"{tmp_path}/./a.jpg", f"{tmp_path}//a.jpg"]
    refs = list(list_images(manifest(tmp_path, "\n".join(["uri", *spellings]))))
    assert len(refs) == 4 and len(distinct(refs)) == 1


def test_a_manifest_names_members_of_archives_and_what_is_not_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.jpg", b"xyz")
    member, absent = f"zip://a.jpg::{tmp_path}/in.zip", f"zip://b.jpg::{tmp_path}/in.zip"
    refs = list(list_images(manifest(tmp_path, "\n".join(["uri", member, absent]))))
    assert [(ref.image_id, ref.size) for ref in refs] == [("a", 3), ("b", -1)]


def test_an_archive_that_is_gone_fails_its_own_rows_only(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    lines = ["uri", f"zip://x.jpg::{tmp_path}/gone.zip", f"{tmp_path}/a.jpg"]
    gone, there = list_images(manifest(tmp_path, "\n".join(lines)))
    assert (gone.image_id, there.image_id) == ("x", "a")
    ((facts, pixels),) = load(gone, [ImageSpec(8, 8)])
    assert pixels is None and facts.error is not None and facts.error.kind is ErrorKind.MISSING


def test_a_pipe_or_a_folder_in_a_manifest_fails_and_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    lines = ["uri", str(tmp_path / "pipe.jpg"), str(tmp_path), "/dev/zero"]
    for ref in list_images(manifest(tmp_path, "\n".join(lines))):
        ((facts, pixels),) = load(ref, [ImageSpec(8, 8)])
        assert pixels is None and facts.error is not None and facts.error.kind is ErrorKind.UNSUPPORTED_FORMAT
