"""References to photographs, and the digests that identify them."""

import hashlib
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ingest.image_refs import ImageRef, Renaming, adoption_key, digest_of, distinct


def test_one_ref_of_each_uri_stays_whatever_their_order() -> None:
    refs = [ImageRef(f"file:///{name}", version, 1, "x") for name in "bac" for version in "21"]
    assert distinct(refs) == distinct(refs[::-1])
    assert [ref.uri for ref in distinct(refs)] == ["file:///a", "file:///b", "file:///c"]


def test_a_version_of_a_photograph_has_a_short_digest() -> None:
    assert digest_of("file:///a", "1") == digest_of("file:///a", "1") != digest_of("file:///a", "2")
    assert len(digest_of("", "")) == 16


def test_the_digest_is_that_of_uri_and_version_apart() -> None:
    """It is written into staged files, so it must not change."""
    expected = hashlib.blake2b(b"file:///a.jpg\x001", digest_size=16).digest()
    assert digest_of("file:///a.jpg", "1") == expected
    assert digest_of("file:///a.jpg1", "") != expected


def test_an_adoption_key_begins_with_the_digest_and_covers_what_the_manifest_says() -> None:
    key = adoption_key("file:///a", "1", "x", ("left", 61))
    assert len(key) == 32 and key[:16] == digest_of("file:///a", "1")
    others = [
        adoption_key("file:///a", "1", "y", ("left", 61)),
        adoption_key("file:///a", "1", "x", ("right", 61)),
        adoption_key("file:///a", "1", "x", (61, "left")),
        adoption_key("file:///a", "1", "x", ("left", "61")),
        adoption_key("file:///a", "2", "x", ("left", 61)),
    ]
    assert len({key, *others}) == 6


def test_empty_values_at_the_end_do_not_change_an_adoption_key() -> None:
    bare = adoption_key("file:///a", "1", "x", ())
    assert adoption_key("file:///a", "1", "x", (None, None)) == bare
    assert adoption_key("file:///a", "1", "x", ["left", None]) == adoption_key("file:///a", "1", "x", ("left",)) != bare
    assert adoption_key("file:///a", "1", "x", (None, "left")) != adoption_key("file:///a", "1", "x", ("left",))


def test_a_ref_is_read_where_it_is_stored_and_known_by_its_uri() -> None:
    ref = ImageRef("s3://archive/a.jpg", "v", 7, "a")
    assert (ref.stored.uri, ref.stored.version, ref.stored.size, ref.stored.regular) == (ref.uri, "v", 7, True)
    assert ref._replace(location="file:///copy/a.jpg").stored.uri == "file:///copy/a.jpg"


def test_of_several_refs_to_one_uri_the_same_one_stays() -> None:
    refs = [ImageRef("file:///a", version, 1, id_) for version in "12" for id_ in "xy"]
    assert distinct(refs) == distinct(refs[::-1]) == [ImageRef("file:///a", "2", 1, "y")]
    assert distinct([]) == []


def test_a_renaming_moves_photographs_below_its_folder_alone(tmp_path: Path) -> None:
    renaming = Renaming.from_folder_to(f"{tmp_path}/new/", "s3://archive/old/")
    ref = ImageRef(f"file://{tmp_path}/new/sub/a.jpg", "1", 1, "a")
    moved = renaming.applied_to(ref)
    assert (moved.uri, moved.location, moved.version) == ("s3://archive/old/sub/a.jpg", ref.uri, "1")
    for other in ("new.jpg", "newer/a.jpg", "a.jpg"):
        with pytest.raises(UsageError, match="--uri-base needs a folder"):
            renaming.applied_to(ref._replace(uri=f"file://{tmp_path}/{other}"))


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("s3a://b/x.jpg", "s3://b/x.jpg"),
        ("gcs://b/x.jpg", "gs://b/x.jpg"),
        ("abfs://c/x.jpg", "az://c/x.jpg"),
        ("abfss://c/x.jpg", "az://c/x.jpg"),
        ("zip://x.jpg::s3a://b/a.zip", "zip://x.jpg::s3://b/a.zip"),
    ],
)
def test_a_store_is_one_store_under_all_its_names(uri: str, same: str) -> None:
    assert digest_of(uri, "v") == digest_of(same, "v")
    assert uri in storage.spellings(same) and storage.spellings(uri)[0] == same


def test_a_name_that_only_looks_like_another_store_is_left_alone() -> None:
    assert storage.plain("file:///in/s3a://x.jpg") == "file:///in/s3a://x.jpg"
    assert storage.spellings("/in/a.jpg") == ["/in/a.jpg"]
