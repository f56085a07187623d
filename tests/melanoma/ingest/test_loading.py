"""Loading one photograph: its pixels and facts, or its error."""

import hashlib
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from melanoma.errors import ErrorKind
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import load
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.table.forgotten import Forgotten
from tests.helpers import fill, image_bytes, photograph
from tests.helpers.manifests import csv_manifest, touch
from tests.helpers.outputs import layout_of


def test_an_archive_that_is_gone_fails_its_own_rows_only(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    lines = ["uri", f"zip://x.jpg::{tmp_path}/gone.zip", f"{tmp_path}/a.jpg"]
    gone, there = list_images(csv_manifest(tmp_path, "\n".join(lines)))
    assert (gone.image_id, there.image_id) == ("x", "a")
    ((facts, pixels),) = load(gone, [ImageSpec(8, 8)])
    assert pixels is None and facts.error is not None and facts.error.kind is ErrorKind.MISSING


def test_a_pipe_or_a_folder_in_a_manifest_fails_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    lines = ["uri", str(tmp_path / "pipe.jpg"), str(tmp_path), "/dev/zero"]
    for ref in list_images(csv_manifest(tmp_path, "\n".join(lines))):
        ((facts, pixels),) = load(ref, [ImageSpec(8, 8)])
        assert pixels is None and facts.error is not None and facts.error.kind is ErrorKind.UNSUPPORTED_FORMAT


SMALL, LARGE = ImageSpec(8, 8), ImageSpec(16, 12)


def ref_to(path: Path | str, **values: Any) -> ImageRef:
    (ref,) = list_images(Root(str(path), pattern="*"))
    return ref._replace(**values)


def test_a_photograph_is_decoded_for_each_model_with_its_facts(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    small, large = load(ref_to(path), [SMALL, LARGE])
    data = path.read_bytes()
    for decoded, spec in ((small, SMALL), (large, LARGE)):
        assert decoded.pixels is not None
        np.testing.assert_array_equal(decoded.pixels, decoding.decode(data, spec))
        loaded = decoded.loaded
        assert (loaded.width, loaded.height, loaded.bytes) == (80, 60, len(data))
        assert loaded.sha256 == hashlib.sha256(data).hexdigest() and loaded.error is None
        assert loaded.read_seconds > 0 and loaded.decode_seconds > 0


def outcome(ref: ImageRef) -> tuple[ErrorKind, str]:
    (decoded, again) = load(ref, [SMALL, LARGE])
    assert decoded.pixels is None and again.pixels is None and decoded.loaded.error is not None
    assert again.loaded.error is not None and again.loaded.error.kind is decoded.loaded.error.kind
    return decoded.loaded.error.kind, decoded.loaded.error.detail


def test_a_file_that_is_too_large_is_never_read(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    ref = ref_to(path, size=decoding.MAX_BYTES + 1)
    path.unlink()
    assert outcome(ref) == (
        ErrorKind.TOO_LARGE,
        f"{decoding.MAX_BYTES + 1} bytes; at most {decoding.MAX_BYTES} are read",
    )


def test_a_bomb_in_an_archive_is_never_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.jpg", bytes(decoding.MAX_BYTES + 1))
    (ref,) = list_images(Root(f"zip://{archive}"))
    assert outcome(ref)[0] is ErrorKind.TOO_LARGE
    # A directory that states less than it holds: no more is unpacked than it states.
    stated = (decoding.MAX_BYTES + 1).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(stated, (1000).to_bytes(4, "little")))
    (ref,) = list_images(Root(f"zip://{archive}"))
    tracemalloc.start()
    kind, _ = outcome(ref)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kind is ErrorKind.CORRUPT and peak < 10 * 2**20


def test_the_bytes_say_the_format_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(image_bytes.encode(image_bytes.photograph(), "PNG"))
    (decoded,) = load(ref_to(tmp_path / "a.jpg"), [ImageSpec(8, 8)])
    expected = decoding.decode((tmp_path / "a.jpg").read_bytes(), ImageSpec(8, 8))
    assert decoded.pixels is not None and np.array_equal(decoded.pixels, expected)


def test_a_photograph_that_was_overwritten_since_it_was_listed_has_changed(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    ref = ref_to(path)
    path.write_bytes(photograph(9))
    os.utime(path, (5, 5))
    assert outcome(ref) == (ErrorKind.CHANGED, "the file was overwritten after it had been listed")


def test_a_photograph_that_was_removed_since_it_was_listed_is_missing(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    ref = ref_to(path)
    path.unlink()
    assert outcome(ref)[0] is ErrorKind.MISSING


def test_a_photograph_without_a_version_gets_a_row_that_says_why(tmp_path: Path) -> None:
    """The texts are contents of the table."""
    (path,) = fill(tmp_path, 1)
    assert outcome(ref_to(path, version="")) == (
        ErrorKind.CHANGED,
        "it could not be seen when it was listed, and can be now",
    )
    assert outcome(ImageRef(f"file://{tmp_path}/absent.jpg", "", -1, "x"))[0] is ErrorKind.MISSING
    assert outcome(ImageRef("nostore://x.jpg", "", -1, "x")) == (
        ErrorKind.BAD_NAME,
        "no store that can be used; correct the manifest",
    )


def test_broken_bytes_keep_their_digest_and_a_broken_body_its_size(tmp_path: Path) -> None:
    text, cut = tmp_path / "text.jpg", tmp_path / "cut.jpg"
    text.write_bytes(b"not a photograph")
    cut.write_bytes(photograph(1)[:-200])
    (found,) = load(ref_to(text), [SMALL])
    assert found.loaded.error is not None and found.loaded.error.kind is ErrorKind.UNSUPPORTED_FORMAT
    assert (found.loaded.width, found.loaded.sha256) == (None, hashlib.sha256(text.read_bytes()).hexdigest())
    (found,) = load(ref_to(cut), [SMALL])
    assert found.pixels is None and found.loaded.error is not None
    assert found.loaded.error.kind is ErrorKind.TRUNCATED and (found.loaded.width, found.loaded.height) == (80, 60)


def test_a_renamed_photograph_is_read_at_its_location(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    ref = ref_to(path, uri="s3://old/place.jpg", location=f"file://{path}")
    (found,) = load(ref, [SMALL])
    assert found.pixels is not None and found.loaded.ref.uri == "s3://old/place.jpg"


def test_forgotten_bytes_are_read_but_not_decoded(tmp_path: Path) -> None:
    jane, john = fill(tmp_path / "in", 2)
    Forgotten.add(layout_of(tmp_path), [], [hashlib.sha256(jane.read_bytes()).hexdigest()])
    forgotten = Forgotten.read(layout_of(tmp_path))
    for loaded, pixels in load(ref_to(jane), [SMALL, LARGE], forgotten):
        assert loaded.is_forgotten and pixels is None and loaded.error is None
    for loaded, pixels in load(ref_to(john), [SMALL, LARGE], forgotten):
        assert not loaded.is_forgotten and pixels is not None
