"""Finds bundles by name: in the folders that MELANOMA_BUNDLES lists, then among those that come with the package."""

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import melanoma
from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError
from melanoma.model.description import DESCRIPTION, LICENCE, Description, read_description

VARIABLE = "MELANOMA_BUNDLES"
_NAME = re.compile(r"[^/\\:~]+")
_MAX_TEXT_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Listed:
    """One bundle of the search path, of which only the small files were read.

    Attributes:
        name: Name of its folder.
        uri: The folder.
        size: Bytes of all its files.
        description: What it states; None if that cannot be read.
        licence: Terms of its data.
        fault: Why it cannot be read; empty for a readable one.
    """

    name: str
    uri: str
    size: int
    description: Description | None
    licence: str
    fault: str = ""


def search_path() -> list[str]:
    """Returns the folders that are searched for a bundle's name, in this order.

    Raises:
        BundleError: A folder of MELANOMA_BUNDLES does not exist.
        ReadError: The store of one does not answer.
    """
    # A colon separates folders, but not where it is part of s3:// or of the :: behind an archive's member.
    separator = r"(?<!:):(?!:|//)" if os.pathsep == ":" else re.escape(os.pathsep)
    stated = [folder for folder in re.split(separator, os.environ.get(VARIABLE, "")) if folder]
    for folder in stated:
        if not storage.exists(folder):
            raise BundleError(f"{VARIABLE} lists {folder}, which does not exist; correct the variable")
    return stated + shipped_folders()


def shipped_folders() -> list[str]:
    """Returns the folder of the bundles that come with the package: in an installed one, beside it in a checkout."""
    package = Path(melanoma.__file__).parent
    beside = package.parent / "bundles"
    is_checkout = (package.parent / "pyproject.toml").exists()
    return [str(folder) for folder in (package / "bundles", *([beside] if is_checkout else [])) if folder.is_dir()]


def find_bundle(place: str) -> str:
    """Returns the URI of a bundle; a path that exists wins over a name.

    Args:
        place: URI or path of a bundle's folder, or the name of a bundle on the search path.

    Raises:
        BundleError: It is neither; the message lists the names that exist.
        ReadError: A store on the search path does not answer.
    """
    if not _NAME.fullmatch(place) or storage.exists(place):
        return place
    for folder in search_path():
        uri = storage.join(folder, place)
        if place not in (".", "..") and storage.exists(storage.join(uri, DESCRIPTION)):
            return uri
    names = [name for name, _ in _folders()]
    near = difflib.get_close_matches(place, names, 1)
    suggestion = f"did you mean {near[0]}? " if near else ""
    raise BundleError(f"no such folder, and no bundle of this name; {suggestion}{_known(names)}")


def known_bundles() -> str:
    """Returns a clause that lists the names of all bundles on the search path.

    Raises:
        BundleError: A folder of MELANOMA_BUNDLES does not exist.
        ReadError: The store of one does not answer.
    """
    return _known([name for name, _ in _folders()])


def _known(names: Sequence[str]) -> str:
    if names:
        return f"known by name: {', '.join(names)}"
    return f"no bundle is known by name; give the path of one, or list the folders of bundles in {VARIABLE}"


def list_bundles() -> Iterator[Listed]:
    """Yields every bundle that a name finds; of several with one name only the first on the search path.

    Raises:
        BundleError: A folder of MELANOMA_BUNDLES does not exist.
        ReadError: The store of one does not answer.
    """
    for name, uri in _folders():
        yield _read(name, uri)


def _folders() -> list[tuple[str, str]]:
    """Returns name and URI of every bundle on the search path."""
    found: dict[str, str] = {}
    for folder in search_path():
        for uri in storage.subfolders(folder):
            name = storage.name_of(uri)
            if name not in found and storage.exists(storage.join(uri, DESCRIPTION)):
                found[name] = uri
    return list(found.items())


def _read(name: str, uri: str) -> Listed:
    size = 0
    try:
        size = sum(max(0, stored.size) for stored in storage.list_files(uri))
        return Listed(name, uri, size, read_description(_text(uri, DESCRIPTION)), _terms(uri))
    except BundleError as error:
        return Listed(name, uri, size, None, "", str(error))
    except ReadError as error:
        return Listed(name, uri, size, None, "", error.detail)


def _terms(uri: str) -> str:
    """Returns the last paragraph of the licence; the ones before it only introduce it."""
    text = _text(uri, LICENCE).decode("utf-8", "replace").strip()
    return " ".join(text.split("\n\n")[-1].split())


def _text(uri: str, name: str) -> bytes:
    place = storage.join(uri, name)
    stored = storage.stat(place)
    if not stored.regular or stored.size > _MAX_TEXT_BYTES:
        raise ReadError(ErrorKind.CORRUPT, f"{name} is not a plain file of at most {_MAX_TEXT_BYTES >> 20} MiB")
    return storage.read_bytes(stored.uri)
