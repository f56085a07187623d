"""Whether a manifest names anything that exists, and what a store that does not answer means for that."""

from collections import Counter
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma.errors import UsageError
from melanoma.ingest.manifest_images import any_exists, check_stores, manifest_images
from tests.helpers import refusing
from tests.helpers.manifests import csv_manifest, touch


def test_one_photograph_among_many_missing_ones_is_enough(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    absent = [f"{tmp_path}/{number}.jpg" for number in range(600)]
    assert any_exists([*absent, f"{tmp_path}/a.jpg"])
    assert not any_exists(absent) and not any_exists([])


@pytest.mark.parametrize("error", [TimeoutError(), PermissionError(13)])
def test_what_a_store_does_not_tell_counts_as_existing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.setattr(LocalFileSystem, "info", refusing("absent", LocalFileSystem.info, error))
    assert any_exists([f"{tmp_path}/absent.jpg"])


def test_members_of_damaged_archives_fail_in_their_own_rows(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK")
    uris = [f"zip://a.jpg::{tmp_path}/cut.zip"]
    check_stores(uris)
    assert any_exists(uris)


def test_photographs_keep_the_order_of_the_manifest(tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(300)]
    touch(tmp_path, *names)
    lines = [f"{tmp_path}/{name}" for name in reversed(names)]
    listed = manifest_images(csv_manifest(tmp_path, "\n".join(["uri", *lines])), Counter())
    assert [f"{one.ref.image_id}.jpg" for one in listed] == names[::-1]


def test_a_key_in_any_uri_of_a_manifest_is_refused() -> None:
    check_stores(["memory://a.jpg", "s3://bucket/b:c@d.jpg"])
    with pytest.raises(UsageError, match="a URI must not hold keys"):
        check_stores(["s3://bucket/a.jpg", "s3://AKIA:sec/ret@bucket/b.jpg", "s3://bucket/c.jpg"])
