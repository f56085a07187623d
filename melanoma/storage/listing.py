"""Lists a file, everything below a folder, or what a glob matches."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fsspec.utils import glob_translate

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.file_info import UNADDRESSABLE, StoredFile, modified_in, version_of
from melanoma.storage.filesystems import Place, call_store, locate
from melanoma.storage.object_reads import reads_versions
from melanoma.storage.pages import check_missing, info_of, pages_of
from melanoma.storage.protocols import plain

_LOST_FOUND = "lost+found"  # at the top of a disk; only its administrator may enter it


def stored_file(place: Place, info: dict[str, Any]) -> StoredFile:
    """Returns a listing's entry as a `StoredFile`."""
    size = info.get("size")
    return StoredFile(
        uri=place.uri_of(info["name"]),
        version=version_of(info) if _is_unicode(info["name"]) else UNADDRESSABLE,
        size=-1 if size is None else int(size),
        regular=info["type"] == "file" and not info.get("islink"),
        modified=modified_in(info),
        span=place.spans.get(info["name"]),
    )


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def stat(uri: str) -> StoredFile:
    """Returns the entry of one file.

    Raises:
        ReadError: The file does not exist, or the store does not answer.
    """
    place = locate(uri)
    return stored_file(place, {**_info(place), "name": place.path})


def _info(place: Place) -> dict[str, Any]:
    """Asks for one entry; a gateway may answer in place of the store."""
    info = info_of(place)
    if reads_versions(place) and info["type"] == "file" and modified_in(info) is None and not _has_version(info):
        raise ReadError(ErrorKind.STORE_UNAVAILABLE, "the store failed (it states neither version nor time of a file)")
    return info


def _has_version(info: dict[str, Any]) -> bool:
    return any(info.get(name) for name in ("generation", "ETag", "etag"))


def _nothing(name: str) -> bool:
    return False


def list_files(root: str, skips: Callable[[str], bool] = _nothing) -> Iterator[StoredFile]:
    """Lists a file, everything below a folder, or what a glob matches, folder by folder.

    A root that exists under its exact name is never read as a glob. Links to folders are not followed.

    Args:
        root: URI or path; `*`, `?`, `[…]` and `**` match names below the last plain folder.
        skips: Tells by its name which folder below the root is not entered; it comes as one entry that is not regular.
            Archives have no such folders, since their index is read anyway.

    Raises:
        ReadError: The root does not exist (`missing`), or a folder cannot be listed.
    """
    place = locate(root)
    try:
        info = _info(place) if place.path else {"type": "directory", "name": ""}
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise
        if not re.search(r"[*?\[]", place.path):
            check_missing(place)
            raise
        yield from _glob(place, skips)
        return
    if info["type"] == "directory":
        yield from _walk(place, place.path, skips)
    else:
        yield stored_file(place, {**info, "name": place.path})


def subfolders(folder: str) -> list[str]:
    """Returns the URIs of the folders directly inside a folder, in the order of their names.

    Raises:
        ReadError: The folder does not exist, or cannot be listed.
    """
    place = locate(folder)
    entries = call_store(place.fs.ls, place.path, detail=True)
    names = {info["name"].rstrip("/") for info in entries if info["type"] == "directory"}
    return [place.uri_of(name) for name in sorted(names - {place.path.rstrip("/")})]


def _glob(place: Place, skips: Callable[[str], bool]) -> Iterator[StoredFile]:
    matches = re.compile(glob_translate(place.path)).fullmatch
    folder = posixpath.dirname(re.split(r"[*?\[]", place.path, maxsplit=1)[0])
    for found in _walk(place, folder, skips):
        path = found.uri[len(place.prefix) : len(found.uri) - len(place.suffix)]
        if matches(path):
            yield found


def below(root: str) -> Callable[[str], bool]:
    """Returns a predicate: whether a listing of this root, as a name or as a glob, could hold a canonical URI."""
    place = locate(root)
    folder, matches = place.path.rstrip("/"), re.compile(glob_translate(place.path)).fullmatch

    def holds(uri: str) -> bool:
        """Whether a listing of the root could hold the URI."""
        uri = plain(uri)
        if not (uri.startswith(place.prefix) and uri.endswith(place.suffix)):
            return False
        path = uri[len(place.prefix) : len(uri) - len(place.suffix)]
        return not folder or path == folder or path.startswith(f"{folder}/") or bool(matches(path))

    return holds


def _walk(place: Place, folder: str, skips: Callable[[str], bool]) -> Iterator[StoredFile]:
    pending = [folder]
    while pending:
        here, folders = pending.pop(), list[str]()
        for page in pages_of(place, here):
            yield from _files_of_page(place, here, page, folders, skips)
        pending += sorted(set(folders), reverse=True)


def _files_of_page(
    place: Place, here: str, page: Iterable[dict[str, Any]], folders: list[str], skips: Callable[[str], bool]
) -> Iterator[StoredFile]:
    """Yields the files of a page, and adds the folders that are to be entered to `folders`."""
    for info in page:
        name = info["name"].rstrip("/")
        if info["type"] == "directory":
            if _is_closed(place, posixpath.basename(name), skips):
                yield stored_file(place, info)
            elif name != here.rstrip("/"):
                folders.append(name)
            elif info["name"].endswith("/") and modified_in(info) is None:
                yield from _below_nameless(place, name)
        elif not _is_marker(info):
            yield stored_file(place, info)


def _is_closed(place: Place, name: str, skips: Callable[[str], bool]) -> bool:
    """Whether a folder is not to be entered."""
    return (place.is_local and name == _LOST_FOUND) or (not place.suffix and skips(name))


def _below_nameless(place: Place, folder: str) -> Iterator[StoredFile]:
    """Lists keys with an empty part, such as `a//b.jpg`, which no store lists as a folder."""
    found = call_store(place.fs.find, folder, detail=True)
    keys = (path for path in sorted(found) if path.startswith(f"{folder}//"))
    yield from (stored_file(place, found[key]) for key in keys if not _is_marker(found[key]))


def _is_marker(info: dict[str, Any]) -> bool:
    """Whether an entry is the empty object that some tools write to make a folder visible."""
    return info.get("size") == 0 and str(info["name"]).endswith("/")
