"""Opens a `.keras` file as exactly the archive that Keras 3 writes, and rewrites it without its compile settings."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from melanoma.errors import BundleError

MAX_FILE_BYTES = 256 * 2**20
METADATA, CONFIG, WEIGHTS = _MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_MAX_DIRECTORY_BYTES = 1024  # three members need 200; a zip directory can be a bomb of its own
_MAX_JSON_BYTES = 2 * 2**20  # NASNetMobile, of 771 layers, takes 0.8 MiB
_REMEDY = "save the network again with Keras 3 as one .keras file, uncompiled and of plain layers"


@contextmanager
def one_clear_error(path: Path) -> Iterator[None]:
    """Adds the file's name and the remedy to each error; refuses a file on which a parser fails.

    Raises:
        BundleError: In place of any exception.
    """
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}; {_REMEDY}") from None
    except Exception as error:  # hostile bytes make zipfile, json and HDF5 raise nearly every type there is
        found = f"it does not open ({type(error).__name__}: {str(error)!a:.120})"
        raise BundleError(f"{path.name}: {found}; expected a whole archive of Keras; {_REMEDY}") from error


def require(fits: bool, found: str, expected: str) -> None:
    """Refuses a network file that does not meet a condition.

    Raises:
        BundleError: `fits` is false.
    """
    if not fits:
        raise BundleError(f"{found}; expected {expected}")


def read_members(path: Path) -> dict[str, bytes]:
    """Reads the three members by name; none is larger than the file, because Keras stores them uncompressed.

    Raises:
        BundleError: The file is not an archive as Keras 3 writes it.
    """
    size = _check_file(path)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = sorted(entry.orig_filename for entry in entries)
        require(names == sorted(_MEMBERS), f"it holds {names!a:.200}", f"exactly {', '.join(_MEMBERS)}")
        for entry in entries:
            plain = not entry.flag_bits & 1 and not stat.S_ISLNK(entry.external_attr >> 16)
            require(plain, f"{entry.filename} is encrypted or a link", "a plain file")
            whole = entry.compress_size == entry.file_size <= size and entry.compress_type == zipfile.ZIP_STORED
            require(whole, f"{entry.filename} is compressed or cut", "it stored uncompressed")
        return {entry.filename: archive.read(entry) for entry in entries}


def _check_file(path: Path) -> int:
    """Returns the size in bytes of a file that begins and ends as an archive of three members does."""
    status = path.lstat()
    size, kind = status.st_size, "a folder" if stat.S_ISDIR(status.st_mode) else "a link or a device"
    require(stat.S_ISREG(status.st_mode), f"it is {kind}", "a regular file")
    require(size <= MAX_FILE_BYTES, f"it has {size:,} bytes", f"at most {MAX_FILE_BYTES:,}")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 42))
        tail = file.read()
    require(head != b"\x89HDF", "it is HDF5, for which Keras ignores its safe mode", "a .keras archive")
    require(head[:1] != b"\x80", "it is a pickle", "a .keras archive")
    require(head == b"PK\x03\x04", "it is not a zip archive", "a .keras archive")
    # Checked before zipfile reads a directory of any length; a zip64 locator would replace the numbers seen here.
    magic, *_, count, length, start, _ = struct.unpack("<4s4H2LH", tail[-22:])
    plain = magic == b"PK\x05\x06" and tail[:4] != b"PK\x06\x07"
    short = start + length + 22 == size and length <= _MAX_DIRECTORY_BYTES and count == len(_MEMBERS)
    require(plain and short, "its zip directory is unusual", "that of three members, at the end")
    return size


def parse_member(members: dict[str, bytes], name: str, without: str = "") -> dict[str, Any]:
    """Parses a JSON member.

    Args:
        members: As `read_members` returns them.
        name: Name of the member.
        without: A key to leave out wherever it occurs.

    Raises:
        BundleError: The member is too long, or not an object.
        ValueError: It is not JSON.
    """
    data = members[name]
    require(len(data) <= _MAX_JSON_BYTES, f"{name} is too long", f"at most {_MAX_JSON_BYTES:,} bytes")
    tree = json.loads(data, object_hook=lambda node: {key: node[key] for key in node if key != without})
    require(isinstance(tree, dict), f"{name} holds a {type(tree).__name__}", "an object")
    return dict(tree)


def without_compile_config(source: Path, target: Path) -> None:
    """Copies a network without optimizer, loss and metrics, which a bundle does not need.

    Those of nested networks are left out too: Keras builds them even with `compile=False`.

    Args:
        source: A `.keras` file that is trusted: only its archive is checked.
        target: The file to write; the same source gives the same bytes.

    Raises:
        BundleError: `source` is not an archive as Keras 3 writes it.
    """
    with one_clear_error(source):
        members = read_members(source)
        members[CONFIG] = json.dumps(parse_member(members, CONFIG, without="compile_config")).encode()
        kept = io.BytesIO()
        with h5py.File(io.BytesIO(members[WEIGHTS]), "r") as old, h5py.File(kept, "w") as new:
            for name in sorted(old.keys() - {"optimizer"}):
                old.copy(name, new)
        members[WEIGHTS] = kept.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for name in _MEMBERS:
            archive.writestr(zipfile.ZipInfo(name), members[name])
