"""Reads the files of a bundle as bytes: all of those that its description lists, and no others."""

import hashlib
from collections.abc import Iterator, Mapping

from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError
from melanoma.json_values import few
from melanoma.model.bundle_search import known_bundles
from melanoma.model.description import DESCRIPTION
from melanoma.storage import StoredFile

_MAX_FILES, _MAX_BYTES, _MAX_DESCRIPTION_BYTES = 64, 512 * 2**20, 4 * 2**20


def read_description_file(uri: str) -> bytes:
    """Reads the `bundle.json` of a folder.

    Raises:
        BundleError: There is none, or it is no plain file of a sensible size.
        ReadError: The store does not answer.
    """
    place = storage.join(uri, DESCRIPTION)
    try:
        stored = storage.stat(place)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise BundleError(f"no {DESCRIPTION} there; check the path, or give a name ({known_bundles()})") from None
        raise
    if not stored.regular or stored.size > _MAX_DESCRIPTION_BYTES:
        raise BundleError(f"{DESCRIPTION} is not a plain file of at most {_MAX_DESCRIPTION_BYTES >> 20} MiB")
    return storage.read_bytes(stored.uri)


def entries(uri: str) -> Iterator[tuple[str, StoredFile]]:
    """Yields the files below a folder with their paths inside it."""
    prefix = storage.canonical(uri).rstrip("/") + "/"
    for stored in storage.list_files(uri):
        yield stored.uri.removeprefix(prefix), stored


def _names(uri: str) -> list[str]:
    """Returns the names of all files of a bundle: plain files, and no more or larger than a bundle can have."""
    sizes = {}
    for name, stored in entries(uri):
        if not stored.regular:
            raise BundleError(f"{name!r} is a link or a device; put a plain file in its place")
        sizes[name] = stored.size
        if len(sizes) > _MAX_FILES or sum(sizes.values()) > _MAX_BYTES:
            raise BundleError(f"more than {_MAX_FILES} files or {_MAX_BYTES >> 20} MiB: not a bundle; check the path")
    return list(sizes)


def all_files(uri: str) -> dict[str, bytes]:
    """Reads every file of a folder, by name, for the check of their signature.

    Raises:
        BundleError: The folder holds what no bundle holds.
        ReadError: The store does not answer.
    """
    return {name: storage.read_bytes(storage.join(uri, name)) for name in _names(uri)}


def read_files(uri: str, listed: Mapping[str, str]) -> dict[str, bytes]:
    """Reads every file that the description lists, by name; the folder must hold exactly these plain files.

    Raises:
        BundleError: A file is missing, extra or changed.
        ReadError: The store does not answer.
    """
    if unmatched := set(_names(uri)) ^ {DESCRIPTION, *listed}:
        raise BundleError(f"missing or not listed in {DESCRIPTION}: {few(unmatched)}")
    return {name: _read_checked(uri, name, sha256) for name, sha256 in listed.items()}


def _read_checked(uri: str, name: str, sha256: str) -> bytes:
    data = storage.read_bytes(storage.join(uri, name))
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        stated = f"{DESCRIPTION} says {str(sha256)[:12]!r}…"
        raise BundleError(f"{name!r} has sha256 {found[:12]}…, {stated}; copy the bundle again")
    return data
