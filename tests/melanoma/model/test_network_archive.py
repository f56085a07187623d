"""Only an archive as Keras 3 writes it is opened, and nothing that was compiled into it is kept."""

import io
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network
from tests.helpers.networks import (
    ARRAY,
    CONFIG,
    METADATA,
    WEIGHTS,
    Members,
    archive_with,
    members_of,
    small_network,
    with_entry,
    write,
)


def test_nothing_compiled_is_left_at_any_depth(trained: keras.Model, plain: Path) -> None:
    loaded = keras.saving.load_model(plain, compile=False)
    assert not loaded.compiled
    assert not loaded.get_layer("head").compiled
    photographs = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(photographs), trained(photographs))


def test_the_weights_of_the_optimizer_are_left_out(compiled: Path, plain: Path) -> None:
    def groups(path: Path) -> set[str]:
        with h5py.File(io.BytesIO(members_of(path)[WEIGHTS])) as file:
            return set(file)

    assert groups(compiled) - groups(plain) == {"optimizer"}


def test_the_same_source_gives_the_same_bytes(compiled: Path, plain: Path, tmp_path: Path) -> None:
    without_compile_config(compiled, tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == plain.read_bytes()
    with zipfile.ZipFile(plain) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_nothing_is_written_for_a_source_that_is_not_an_archive(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no network")
    with pytest.raises(BundleError, match=r"text\.keras: it is not a zip archive"):
        without_compile_config(tmp_path / "text.keras", tmp_path / "target.keras")
    assert not (tmp_path / "target.keras").exists()


def h5_network(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small_network().save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "CVE-2025-9905 HDF5": (h5_network, "it is HDF5, for which Keras ignores its safe mode"),
    "pickle": (lambda path: path.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00."), "it is a pickle"),
    "text": (lambda path: path.write_text("melanoma"), "it is not a zip archive"),
    "empty": (lambda path: path.touch(), "it is not a zip archive"),
    "start of an archive": (lambda path: path.write_bytes(b"PK\x03\x04"), "it does not open"),
    "folder": (lambda path: (path / "variables").mkdir(parents=True), "it is a folder"),
    "device": (os.mkfifo, "it is a link or a device"),
    "link": (lambda path: path.symlink_to(__file__), "it is a link or a device"),
    "missing": (lambda path: None, "it does not open"),
    "too long": (lambda path: path.open("wb").truncate(2**28 + 1), "it has 268,435,457 bytes"),
    "other archive": (lambda path: write(path, {"data.pkl": b"", "version": b"3", "x": b""}), "it holds"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_kind_of_file_is_named_in_the_error(kind: str, tmp_path: Path) -> None:
    make, reason = OTHERS[kind]
    make(tmp_path / "other.keras")
    with pytest.raises(BundleError, match=rf"^other\.keras: {reason}.*; expected .*; save the network again"):
        scan_network(tmp_path / "other.keras")


def with_names(members: Members, *names: str) -> bytes:
    contents = dict(zip((METADATA, CONFIG, WEIGHTS), members.values(), strict=True))
    return archive_with([(zipfile.ZipInfo(name), contents.get(name, b"{}")) for name in names])


def encrypted(members: Members) -> bytes:
    data = bytearray(with_entry(members, CONFIG))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start, data.index(start) + 1) + flags] |= 1
    return bytes(data)


def with_claimed_size(members: Members, size: int) -> bytes:
    data = bytearray(with_entry(members, WEIGHTS))
    sizes = struct.pack("<2L", *[len(members[WEIGHTS])] * 2)
    for _ in range(2):
        data[data.index(sizes) : data.index(sizes) + 8] = struct.pack("<2L", size, size)
    return bytes(data)


def with_another_method(members: Members) -> bytes:
    """Writes the weights uncompressed, but marks them as deflated."""
    data = bytearray(with_entry(members, ""))
    data[data.rindex(b"PK\x01\x02") + 10] = zipfile.ZIP_DEFLATED
    return bytes(data)


def with_flipped_byte(members: Members) -> bytes:
    data = bytearray(with_entry(members, WEIGHTS))
    data[data.index(members[WEIGHTS]) + len(members[WEIGHTS]) // 2] ^= 1
    return bytes(data)


ZIP64_LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)


THREE = (METADATA, CONFIG, WEIGHTS)


ARCHIVES: dict[str, tuple[Callable[[Members], bytes], str]] = {
    "one more": (lambda members: with_names(members, *THREE, "assets/x"), "its zip directory is unusual"),
    "one less": (lambda members: with_names(members, METADATA, CONFIG), "its zip directory is unusual"),
    "twice": (lambda members: with_names(members, METADATA, CONFIG, CONFIG), "it holds"),
    "npz weights": (lambda members: with_names(members, METADATA, CONFIG, "model.weights.npz"), "it holds"),
    "parent": (lambda members: with_names(members, METADATA, CONFIG, "../model.weights.h5"), r"it holds \['\.\./"),
    "absolute": (lambda members: with_names(members, METADATA, CONFIG, "/etc/passwd"), r"it holds \['/etc"),
    "link": (
        lambda members: with_entry(members, CONFIG, external_attr=(stat.S_IFLNK | 0o777) << 16),
        "config.json is encrypted or a link",
    ),
    "encrypted": (encrypted, "config.json is encrypted or a link"),
    "deflated": (
        lambda members: with_entry(members, WEIGHTS, compress_type=zipfile.ZIP_DEFLATED),
        "model.weights.h5 is compressed or cut",
    ),
    "marked as deflated": (with_another_method, "model.weights.h5 is compressed or cut"),
    "name that ends early": (
        lambda members: with_names(members, METADATA, CONFIG, f"{WEIGHTS}#").replace(b".h5#", b".h5\0"),
        r"it holds .*h5\\x00",
    ),
    "claims more": (lambda members: with_claimed_size(members, 2**31), "model.weights.h5 is compressed or cut"),
    "claims less": (lambda members: with_claimed_size(members, 100), "it does not open .*CRC"),
    "damaged": (with_flipped_byte, "it does not open .*CRC"),
    "behind a program": (lambda members: b"#!/bin/sh\n" + with_entry(members, ""), "it is not a zip archive"),
    "behind a zip": (lambda members: b"PK\x03\x04" + with_entry(members, ""), "its zip directory is unusual"),
    "before text": (lambda members: with_entry(members, "") + b"text", "its zip directory is unusual"),
    "zip64 directory elsewhere": (
        lambda members: with_entry(members, WEIGHTS, comment=ZIP64_LOCATOR),
        "its zip directory is unusual",
    ),
    "long directory": (
        lambda members: with_entry(members, WEIGHTS, comment=b"x" * 2000),
        "its zip directory is unusual",
    ),
    "cut": (lambda members: with_entry(members, "")[:-30], "its zip directory is unusual"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_refused_unless_keras_could_have_written_it(kind: str, members: Members, tmp_path: Path) -> None:
    make, reason = ARCHIVES[kind]
    (tmp_path / "hostile.keras").write_bytes(make(members))
    with pytest.raises(BundleError, match=reason):
        scan_network(tmp_path / "hostile.keras")


def test_the_archives_above_differ_from_a_valid_one_only_by_their_fault(members: Members, tmp_path: Path) -> None:
    (tmp_path / "plain.keras").write_bytes(with_entry(members, WEIGHTS))
    scan_network(tmp_path / "plain.keras")


def attribute(file: h5py.File) -> None:
    file[ARRAY].attrs["dtype"] = "bfloat16"
