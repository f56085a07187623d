"""The one door to fsspec: names, listing, reading and whole-file writing in any store.

A URI here is `protocol://path` with the path as the store spells it, byte for byte: nothing in it is percent-decoded,
no character of a name is special, and a member of an archive is `zip://member::protocol://path/of/archive.zip`.
"""

import contextlib
import os
import posixpath
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from stat import S_ISREG
from typing import Any

import fsspec
from fsspec.utils import glob_translate

from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.local_files import create_file, move_file, replace_file
from melanoma.store_errors import MEANING, kind_of, reason_of
from melanoma.stored import UNADDRESSABLE, modified_in, version_of
from melanoma.stored import StoredFile as StoredFile
from melanoma.uris import ARCHIVES, split
from melanoma.uris import join as join
from melanoma.uris import name_of as name_of
from melanoma.uris import stem_of as stem_of

_LOCAL = ("file", "local", "")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_CONNECT_SECONDS, _READ_SECONDS = 5, 30
_TRIES = 3
_UNFIT_FOR_DELTA = re.compile(r"[\[\]|^\\`]|%[0-9A-Fa-f]{2}")  # it takes paths for URLs, some of them
_OF_THE_DISK = "lost+found"  # in the topmost folder of a disk, and for its administrator alone
_AT_ONCE = contextlib.nullcontext()  # readers need not wait for each other


@dataclass(frozen=True)
class _Place:
    """A path inside one file system, how its URI is spelt, and what a reader holds meanwhile."""

    fs: Any
    path: str
    prefix: str
    suffix: str
    turn: contextlib.AbstractContextManager[Any] = _AT_ONCE

    @property
    def uri(self) -> str:
        return self.uri_of(self.path)

    @property
    def is_local(self) -> bool:
        return self.prefix == "file://"

    def uri_of(self, path: str) -> str:
        """Spells a path of this file system; a byte that is not Unicode is shown as its escape."""
        printable = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return f"{self.prefix}{printable}{self.suffix}"


def _options(protocol: str) -> dict[str, Any]:
    options: dict[str, Any] = {"use_listings_cache": False}
    if protocol in ("s3", "s3a"):
        options["config_kwargs"] = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS}
    return options


def _file_system(protocol: str) -> Any:
    try:
        return fsspec.filesystem(protocol, **_options(protocol))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        remedy = (
            f"pip install '.[{extra}]' in the project's folder"
            if extra
            else f"install the fsspec package for {protocol!r}"
        )
        raise UsageError(f"{protocol}:// needs a package that is not installed; {remedy}") from error
    except Exception as error:
        raise _unusable(protocol) from error


def _unusable(protocol: str) -> UsageError:
    return UsageError(f"{protocol}:// is no store that can be used here; use a path, s3://, gs://, az:// …")


def _place(uri: str) -> _Place:
    """Finds the file system of a URI or path; `::` chains only behind an archive's protocol."""
    protocol, rest = split(uri)
    if protocol in ARCHIVES:
        member, found, archive = rest.rpartition("::")
        target = _place(archive) if found else _place(rest)
        return _in_archive(protocol, member if found else "", target)
    if protocol in _LOCAL:
        path = os.path.abspath(os.path.expanduser(rest) if not protocol else rest)
        return _Place(_file_system("file"), path, "file://", "")
    fs = _file_system(protocol)
    # fsspec takes `::` in a name of its memory store for a chain.
    path = "/" + rest.strip("/") if protocol == "memory" else fs._strip_protocol(uri)
    if "://" in path:  # the web's file systems name a file by its whole address, and list no folder
        raise _unusable(protocol)
    return _Place(fs, path, f"{protocol}://", "")


def _in_archive(protocol: str, member: str, archive: _Place) -> _Place:
    try:
        fs, turn = _open_archive(protocol, archive.uri, _signature(archive))
    except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
        kind = kind_of(error)
        raise ReadError(kind, f"the archive could not be opened ({type(error).__name__})") from None
    return _Place(fs, member.strip("/"), f"{protocol}://", f"::{archive.uri}", turn)


def _signature(place: _Place) -> tuple[str, int, int]:
    return version_of(place.fs.info(place.path)), os.getpid(), 0


@lru_cache(maxsize=16)
def _open_archive(
    protocol: str, uri: str, signature: tuple[str, int, int]
) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    """Opens an archive once per content and process: its index is read once for a million members."""
    place = _place(uri)
    file = place.fs.open(place.path, "rb")
    fs = fsspec.filesystem(protocol, **_options(protocol), fo=file, skip_instance_cache=True)
    # All members are read through one file; zipfile takes turns by itself, tarfile gives one reader another's bytes.
    return fs, _AT_ONCE if protocol == "zip" else threading.Lock()


def canonical(uri: str) -> str:
    """Gives the one spelling of a URI or path under which the score table knows it."""
    return _place(uri).uri


def _stored(place: _Place, info: dict[str, Any]) -> StoredFile:
    size = info.get("size")
    return StoredFile(
        uri=place.uri_of(info["name"]),
        version=version_of(info) if _is_unicode(info["name"]) else UNADDRESSABLE,
        size=-1 if size is None else int(size),
        regular=info["type"] == "file" and not info.get("islink"),
        modified=modified_in(info),
    )


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def stat(uri: str) -> StoredFile:
    """Looks up one file.

    Raises:
        ReadError: There is no such file, or the store does not answer.
    """
    place = _place(uri)
    info = _ask(place.fs.info, place.path)
    return _stored(place, {**info, "name": place.path})


def list_files(root: str) -> Iterator[StoredFile]:
    """Lists a file, everything below a folder, or what a glob matches, folder by folder.

    A root that exists as it is spelt is never taken for a glob. Links to folders are not followed.

    Args:
        root: URI or path; `*`, `?`, `[…]` and `**` match names below the last plain folder.

    Raises:
        ReadError: The root does not exist (`missing`), or a folder cannot be listed.
    """
    place = _place(root)
    try:
        info = _ask(place.fs.info, place.path) if place.path else {"type": "directory", "name": ""}
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING or not re.search(r"[*?\[]", place.path):
            raise
        yield from _glob(place)
        return
    if info["type"] == "directory":
        yield from _walk(place, place.path)
    else:
        yield _stored(place, {**info, "name": place.path})


def _glob(place: _Place) -> Iterator[StoredFile]:
    matches = re.compile(glob_translate(place.path)).fullmatch
    folder = posixpath.dirname(re.split(r"[*?\[]", place.path, maxsplit=1)[0])
    for found in _walk(place, folder):
        path = found.uri[len(place.prefix) : len(found.uri) - len(place.suffix)]
        if matches(path):
            yield found


def below(root: str) -> Callable[[str], bool]:
    """Gives what tells whether a listing of a root, as a name or as a glob, could hold a canonical URI."""
    place = _place(root)
    folder, matches = place.path.rstrip("/"), re.compile(glob_translate(place.path)).fullmatch

    def holds(uri: str) -> bool:
        if not (uri.startswith(place.prefix) and uri.endswith(place.suffix)):
            return False
        path = uri[len(place.prefix) : len(uri) - len(place.suffix)]
        return not folder or path == folder or path.startswith(f"{folder}/") or bool(matches(path))

    return holds


def _walk(place: _Place, folder: str) -> Iterator[StoredFile]:
    pending = [folder]
    while pending:
        here = pending.pop()
        entries = sorted(_ask(place.fs.ls, here, detail=True), key=lambda info: str(info["name"]))
        folders = []
        for info in entries:
            name = info["name"].rstrip("/")
            if info["type"] == "directory":
                if place.is_local and posixpath.basename(name) == _OF_THE_DISK:
                    yield _stored(place, info)
                elif name != here.rstrip("/"):
                    folders.append(name)
                elif info["name"].endswith("/") and modified_in(info) is None:
                    yield from _below_nameless(place, name)
            elif not _is_marker(info):
                yield _stored(place, info)
        pending += reversed(folders)


def _below_nameless(place: _Place, folder: str) -> Iterator[StoredFile]:
    """Lists what lies behind an empty part of a key, as in `a//b.jpg`: no store lists that as a folder."""
    found = _ask(place.fs.find, folder, detail=True)
    keys = (path for path in sorted(found) if path.startswith(f"{folder}//"))
    yield from (_stored(place, found[key]) for key in keys if not _is_marker(found[key]))


def _is_marker(info: dict[str, Any]) -> bool:
    """Tells the empty object by which some tools make a folder seen."""
    return info.get("size") == 0 and str(info["name"]).endswith("/")


def _ask(question: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls the store, trying again what may pass, and translates whatever its library raises."""
    attempt = 1
    while True:
        try:
            return question(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
            kind = kind_of(error)
            if attempt >= _TRIES or not kind.may_pass:
                # The library's own text may hold a signature, a token or a patient's name: it stays here.
                raise ReadError(kind, f"{MEANING[kind]} ({reason_of(error)})") from None
        time.sleep(random.uniform(0.2, 0.5) * 4**attempt)
        attempt += 1


def read_bytes(uri: str, expected: StoredFile | None = None) -> bytes:
    """Reads one whole file, in one request where the store allows.

    Args:
        uri: Canonical URI.
        expected: The listing's entry; what differs from it now is refused, never mixed.

    Raises:
        ReadError: The store did not give the file, or (`changed`) gave another one than was listed.
    """
    if expected is not None and expected.version == UNADDRESSABLE:
        raise ReadError(ErrorKind.BAD_NAME, "the name is not Unicode; rename the file")
    place = _place(uri)
    if place.is_local and not S_ISREG(_ask(os.stat, place.path).st_mode):
        raise ReadError(ErrorKind.UNSUPPORTED_FORMAT, "a folder, pipe or device")  # a pipe would be waited for
    with place.turn:
        data: bytes = _ask(place.fs.cat_file, place.path)
    if expected is not None and expected.size >= 0:
        now = version_of(_ask(place.fs.info, place.path)) if place.is_local else expected.version
        if len(data) != expected.size or now != expected.version:
            raise ReadError(ErrorKind.CHANGED, "the file was overwritten after it had been listed")
    return data


def write_bytes(uri: str, data: bytes) -> None:
    """Writes one file whole or not at all, replacing what lay there; on local disk it is durable on return.

    Raises:
        NothingCommittedError: The store or the disk did not take the file.
    """
    place = _place(uri)
    try:
        _ask(_writer(place), place.path, data)
    except ReadError as error:
        raise NothingCommittedError(f"{uri}: cannot be written: {error.detail}") from None


def _writer(place: _Place) -> Callable[[str, bytes], None]:
    write: Callable[[str, bytes], None] = replace_file if place.is_local else place.fs.pipe_file
    return write


def put_file(uri: str, path: str) -> None:
    """Moves a local file to where it belongs, in one step; on local disk it must lie on the same file system.

    Raises:
        NothingCommittedError: The store or the disk did not take the file.
    """
    place = _place(uri)
    try:
        if place.is_local:
            _ask(move_file, path, place.path)
        else:
            _ask(place.fs.put_file, path, place.path)
    except ReadError as error:
        raise NothingCommittedError(f"{uri}: cannot be written: {error.detail}") from None


def create_bytes(uri: str, data: bytes) -> None:
    """Writes one file whole unless one is there already, which then stays; on local disk only its owner may read it.

    Raises:
        NothingCommittedError: The store or the disk did not take the file.
    """
    place = _place(uri)
    create = create_file if place.is_local else partial(place.fs.pipe_file, mode="create")
    try:
        _ask(create, place.path, data)
    except ReadError as error:
        if not exists(uri):
            raise NothingCommittedError(f"{uri}: cannot be written: {error.detail}") from None


def remove(uri: str) -> None:
    """Removes a file or a folder with all that is in it; nothing there is no error."""
    place = _place(uri)
    with contextlib.suppress(ReadError):
        _ask(place.fs.rm, place.path, recursive=True)


def erase(uri: str) -> None:
    """Removes a file, and makes sure that it is gone.

    Raises:
        NothingCommittedError: It is still there, or the store does not say.
    """
    remove(uri)
    try:
        is_there = exists(uri)
    except ReadError as error:
        raise NothingCommittedError(f"{uri}: {error.detail}; whether it is gone is not known, try again") from None
    if is_there:
        raise NothingCommittedError(f"{uri}: the store or the disk does not let it be removed; mend its rights")


def exists(uri: str) -> bool:
    """Tells whether a file or folder is there.

    Raises:
        ReadError: The store does not answer, or refuses to say.
    """
    place = _place(uri)
    try:
        _ask(place.fs.info, place.path)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            return False
        raise
    return True


def size_of(uri: str) -> int:
    """Gives the bytes of a file; 0 where it is gone or the store does not say."""
    with contextlib.suppress(ReadError):
        return max(0, stat(uri).size)
    return 0


def delta_location(uri: str) -> tuple[str, dict[str, str]]:
    """Spells a folder for Delta Lake, with the options that the usual environment leaves unsaid.

    Raises:
        UsageError: Delta Lake cannot write to this kind of store, or under this name.
    """
    place = _place(uri)
    protocol = split(place.uri)[0]
    if wrong := _UNFIT_FOR_DELTA.search(place.path):
        raise UsageError(
            f"{uri}: the score table cannot lie under a path with {wrong.group()!r}; choose another --output"
        )
    if place.is_local:
        return place.path, {}
    if protocol not in _EXTRAS:
        raise UsageError(f"{protocol}:// cannot hold the score table; use a local folder, s3://, gs:// or az://")
    plain_http = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return place.uri, {"AWS_ALLOW_HTTP": "true"} if protocol in ("s3", "s3a") and plain_http else {}


def local_path(uri: str) -> str | None:
    """Gives the path of a local URI, None for one in another store."""
    place = _place(uri)
    return place.path if place.is_local else None


def check_writable(folder: str) -> None:
    """Writes and removes a probe, so that a night's work is not lost at its end.

    Raises:
        UsageError: The folder does not take files, and will not by itself.
        NothingCommittedError: It does not now: the disk is full, or the store does not answer.
    """
    place = _place(join(canonical(folder), "_staging", f"probe-{uuid.uuid4().hex[:8]}"))
    try:
        _ask(_writer(place), place.path, b"probe")
    except ReadError as error:
        found = f"the output {folder} cannot be written: {error.detail}"
        if error.kind.may_pass:
            raise NothingCommittedError(f"{found}; nothing was read, try again") from None
        raise UsageError(f"{found}; choose another --output or mend its rights") from None
    remove(place.uri)
