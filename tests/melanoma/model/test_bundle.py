"""A bundle is whole and matches its own description, or it is refused in one line before TensorFlow is loaded."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import BundleError, NothingCommittedError
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import check_free, load_bundle
from melanoma.model.preprocessing import Scaling
from melanoma.storage import filesystems
from tests.helpers import ROOT, write_tiny_bundle
from tests.helpers.bundles import Document, copied, describe, document_of, refusal


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_a_loaded_bundle_holds_what_was_written(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    assert bundle.labels == ("melanoma", "nevus", "basal cell carcinoma")
    assert bundle.slugs == ("melanoma", "nevus", "basal_cell_carcinoma")
    assert bundle.spec == ImageSpec(16, 16) and bundle.scaling == Scaling()
    assert bundle.prior == pytest.approx((1 / 3,) * 3) and bundle.temperature == 1.0
    assert bundle.decision_rule == "balanced" and bundle.thresholds == {"melanoma": 0.3}
    assert bundle.files["card.md"] == b"# Tiny\n\nFor tests.\n"
    assert bundle.facts.input_shape == (16, 16, 3)
    assert {golden.file for golden in bundle.golden} == {name for name in bundle.files if name.startswith("golden/")}


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("/models/lite0", "lite0"),
        ("/models/lite0/", "lite0"),
        ("s3://models/2026/lite0-v2.1", "lite0-v2.1"),
        ("memory://models/lite0", "lite0"),
        ("/models/a\x1b[2J\u202eb", "a\ufffd[2J\ufffdb"),
        ("/models/" + 200 * "a", 100 * "a"),
    ],
)
def test_a_bundle_is_called_by_the_last_part_of_its_address(bundle_uri: str, uri: str, name: str) -> None:
    assert replace(load_bundle(bundle_uri), uri=uri).name == name


def test_a_bundle_in_an_archive_is_called_by_its_folder_or_the_archive(bundle_uri: str, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "lite0"), "zip", bundle_uri)
    bundle = load_bundle(bundle_uri)
    assert replace(bundle, uri=f"zip://inner::{archive}").name == "inner"
    assert replace(bundle, uri=f"zip://::{archive}").name == "lite0"


def test_one_flipped_byte_in_any_file_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    names = sorted(document_of(folder)["files"])
    assert len(names) >= 11
    for name in names:
        whole = (folder / name).read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            (folder / name).write_bytes(flipped(whole, place))
            assert f"{name!r} has sha256" in refusal(str(folder))
        (folder / name).write_bytes(whole)
    load_bundle(str(folder))


def test_a_damaged_bundle_is_refused_before_tensorflow_is_imported(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    network = folder / "model.keras"
    network.write_bytes(flipped(network.read_bytes(), 1000))
    words = [sys.executable, "-X", "importtime", "-m", "jobs.cli", "bundle", "verify", str(folder)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "'model.keras' has sha256" in ended.stderr
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "melanoma.model.bundle" in imported
    assert not imported & {"tensorflow", "keras"}


def test_the_digest_covers_every_byte_and_can_be_pinned(bundle_uri: str, tmp_path: Path) -> None:
    digest = load_bundle(bundle_uri).digest
    assert load_bundle(bundle_uri, digest).digest == digest
    assert f"expected {'0' * 12}…" in refusal(bundle_uri, "0" * 64)
    folder = copied(bundle_uri, tmp_path)
    whole = (folder / "bundle.json").read_bytes()
    for place in range(0, len(whole), 97):
        (folder / "bundle.json").write_bytes(flipped(whole, place))
        assert "it has digest" in refusal(str(folder), digest)
    (folder / "bundle.json").write_bytes(whole)
    for name in ("card.md", "LICENSE", "model.keras", "golden/phantom-0.jpg"):
        path = folder / name
        kept, data = path.read_bytes(), path.read_bytes() + b" "
        path.write_bytes(data)
        assert "has sha256" in refusal(str(folder), digest)
        describe(folder, document_of(folder))
        assert "it has digest" in refusal(str(folder), digest)
        path.write_bytes(kept)
        (folder / "bundle.json").write_bytes(whole)


def test_extra_and_missing_files_are_refused_by_name(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden" / "more.png").write_bytes(b"x")
    assert "'golden/more.png'" in refusal(str(folder))
    (folder / "golden" / "more.png").unlink()
    (folder / "card.md").unlink()
    assert "'card.md'" in refusal(str(folder))
    for index in range(70):
        (folder / f"{index}.txt").write_bytes(b"")
    assert "more than 64 files" in refusal(str(folder))


@pytest.mark.parametrize("name", ["model.keras", "card.md", "LICENSE", "golden/phantom-3.png", "bundle.json"])
def test_links_and_pipes_are_refused_unread(bundle_uri: str, tmp_path: Path, name: str) -> None:
    folder = copied(bundle_uri, tmp_path)
    path = folder / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "link" in refusal(str(folder)) or "not a plain file" in refusal(str(folder))
    path.unlink()
    os.mkfifo(path)  # opening it would block forever
    assert "link" in refusal(str(folder)) or "not a plain file" in refusal(str(folder))


def test_a_folder_behind_a_link_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden").rename(tmp_path / "golden")
    (folder / "golden").symlink_to(tmp_path / "golden")
    assert "'golden' is a link" in refusal(str(folder))


def test_a_folder_without_a_bundle_is_refused_with_what_to_give(tmp_path: Path) -> None:
    for uri in (str(tmp_path), str(tmp_path / "absent"), "memory://absent"):
        assert "no bundle.json there; check the path" in refusal(uri)


NAMES = ["../card.md", "/etc/passwd", "golden/../card.md", "", ".", "card.md/", "a\n\x1b[2Jb", "\ud800", "bundle.json"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leaves_the_folder_is_refused(bundle_uri: str, tmp_path: Path, name: str) -> None:
    folder = copied(bundle_uri, tmp_path)
    (tmp_path / "card.md").write_bytes(b"outside")
    document = document_of(folder)
    document["files"][name] = hashlib.sha256(b"outside").hexdigest()
    (folder / "bundle.json").write_text(json.dumps(document))
    assert "bundle.json" in refusal(str(folder))


def test_a_file_that_is_not_a_network_is_refused_with_the_bundles_name(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(b"\x80\x04pickle")
    assert "model.keras: it is a pickle" in refusal(describe(folder, document_of(folder)))


def without(name: str) -> Callable[[Path, Document], None]:
    def edit(folder: Path, document: Document) -> None:
        (folder / name).unlink()
        del document["files"][name]

    return edit


@pytest.mark.parametrize("name", ["card.md", "LICENSE", "model.keras", "golden/phantom-1.jpg"])
def test_a_bundle_without_card_licence_network_or_a_phantom_is_refused(
    bundle_uri: str, tmp_path: Path, name: str
) -> None:
    folder = copied(bundle_uri, tmp_path)
    document = document_of(folder)
    without(name)(folder, document)
    refusal(describe(folder, document))


def test_the_shipped_bundles_keep_their_model_ids() -> None:
    """Users' score tables hold these ids: with new ids, all their photographs would be scored again."""
    names = {
        "ham10000-lite0-taught": "m-b5ff6dd4ad14",
        "ham10000-lite0": "m-501b05be0066",
        "hospitals-lite0": "m-a3aa83c9aab0",
        "isic9-lite0": "m-2a10b48e5881",
        "isic9-assignment-cnn": "m-f56a9b99f880",
    }
    for folder, name in names.items():
        assert load_bundle(str(ROOT / "bundles" / folder)).model_id == name


@pytest.mark.parametrize("store", ["memory", "s3", "file"])
def test_a_bundle_is_the_same_in_every_store(
    bundle_uri: str, store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue("bucket") if store == "s3" else f"{store}://{tmp_path}"
    uri = f"{bucket}/models/tiny, v1 [final]/"
    for path in Path(bundle_uri).rglob("*"):
        if path.is_file():
            storage.write_bytes(storage.join(uri, str(path.relative_to(bundle_uri))), path.read_bytes())
    here, there = load_bundle(bundle_uri), load_bundle(uri)
    assert (there.digest, there.model_id, there.files) == (here.digest, here.model_id, here.files)
    storage.write_bytes(storage.join(uri, "extra.txt"), b"x")
    assert "'extra.txt'" in refusal(uri)


def test_a_store_that_fails_is_not_a_fault_of_the_bundle(bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    with pytest.raises(NothingCommittedError, match="try again"):
        load_bundle(f"failing://{bundle_uri}")


def test_a_bundle_is_written_only_to_an_empty_folder(bundle_uri: str, tmp_path: Path) -> None:
    check_free(str(tmp_path / "new"))
    check_free(f"memory://{tmp_path}/new")
    (tmp_path / "LICENSE").write_text("of the project around it")
    with pytest.raises(BundleError, match="the folder holds 'LICENSE' already"):
        check_free(str(tmp_path))
    check_free(str(tmp_path), allowed=["LICENSE"])
    with pytest.raises(BundleError, match="bundles are never replaced"):
        write_tiny_bundle(Path(bundle_uri))
    with pytest.raises(BundleError, match="LICENSE"):
        write_tiny_bundle(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["LICENSE"]
