"""URIs are split and joined as text: nothing is decoded, and no character of a name is special."""

import pytest

from melanoma.storage.uris import join, name_of, split, stem_of
from tests.helpers.odd_names import NAMES


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/a.jpg", ("s3", "bucket/a.jpg")),
        ("S3://Bucket/A.jpg", ("s3", "Bucket/A.jpg")),
        ("/plain/path", ("", "/plain/path")),
        ("relative", ("", "relative")),
        ("zip://a.jpg::file:///b.zip", ("zip", "a.jpg::file:///b.zip")),
        ("://x", ("", "://x")),
        ("1a://x", ("", "1a://x")),
        ("a/b://c", ("", "a/b://c")),
        ("memory://", ("memory", "")),
    ],
)
def test_a_uri_is_split_at_its_protocol(uri: str, parts: tuple[str, str]) -> None:
    assert split(uri) == parts


@pytest.mark.parametrize(
    ("folder", "names", "uri"),
    [
        ("s3://b", ("a",), "s3://b/a"),
        ("s3://b/", ("a", "c"), "s3://b/a/c"),
        ("/out//", ("x y",), "/out/x y"),
        ("s3://b", (), "s3://b"),
    ],
)
def test_names_are_joined_by_one_slash(folder: str, names: tuple[str, ...], uri: str) -> None:
    assert join(folder, *names) == uri


@pytest.mark.parametrize("name", NAMES)
def test_a_joined_name_comes_back(name: str) -> None:
    last = name.rpartition("/")[2]
    assert name_of(join("s3://bucket", name)) == name_of(join("/folder", name)) == last
    assert name_of(f"zip://{name}::s3://bucket/archive.zip") == last


@pytest.mark.parametrize(
    ("uri", "name", "stem"),
    [
        ("s3://b/a/", "a", "a"),
        ("s3://b/x.tar.gz", "x.tar.gz", "x.tar"),
        ("/f/.hidden", ".hidden", ".hidden"),
        ("zip://m/p.jpg::zip://n.zip::/a.zip", "n.zip", "n"),
        ("file:///a::b.jpg", "a::b.jpg", "a::b"),
    ],
)
def test_name_and_stem_leave_out_folders_and_archives(uri: str, name: str, stem: str) -> None:
    assert (name_of(uri), stem_of(uri)) == (name, stem)
