"""The only module that opens file systems with fsspec: finds the file system of a URI, and calls it.

A URI is `protocol://path` with the path as the store spells it, byte for byte: nothing in it is percent-decoded, no
character of a name is special, and a member of an archive is `zip://member::protocol://path/of/archive.zip`.
"""

import contextlib
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import fsspec

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.extras import install_command
from melanoma.storage.archive_spans import Span, spans_of
from melanoma.storage.archives import is_packed, open_archive
from melanoma.storage.azure_account import AzureAccount
from melanoma.storage.credential_errors import has_expired
from melanoma.storage.deadlines import call_until, end_of_call, file_system_of, one_deadline
from melanoma.storage.errors import detail_of, kind_of
from melanoma.storage.file_info import version_of
from melanoma.storage.protocols import ALIASES, EXTRAS, LOCAL, options_of, refuse_key, without_retries
from melanoma.storage.uris import ARCHIVES, split

_TRIES = 12  # or as many as fit before the deadline
_DISK_TRIES = 3  # of a disk, whose errors seldom pass
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 16.0  # seconds
_VERSION_MARKS = {"s3": "?versionId=", "az": "?versionid="}  # what follows names one version of an object
_ARCHIVE_BLOCK_BYTES = 2**23  # read ahead in an archive; fsspec's 50 MiB may take longer than a deadline
_NO_LOCK = contextlib.nullcontext()
_MAX_NESTED_ARCHIVES = 4


@dataclass(frozen=True)
class Place:
    """A path inside one file system.

    Attributes:
        fs: The fsspec file system.
        path: Path as that file system spells it.
        prefix: What comes before the path in its URI.
        suffix: What comes after the path in its URI: the archive that it lies in.
        lock: Held while a file is read; a real lock only where readers would disturb each other.
        spans: Places of the members of an archive that can be read by themselves, by path.
    """

    fs: Any
    path: str
    prefix: str
    suffix: str
    lock: contextlib.AbstractContextManager[Any] = _NO_LOCK
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """Canonical URI of the place."""
        return self.uri_of(self.path)

    @property
    def is_local(self) -> bool:
        """Whether the place lies on this machine's disks."""
        return self.prefix == "file://"

    def uri_of(self, path: str) -> str:
        """Returns the URI of a path of this file system; bytes that are not Unicode become backslash escapes."""
        printable = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return f"{self.prefix}{printable}{self.suffix}"


def _file_system(protocol: str, names_version: bool = False) -> Any:
    versions = {"version_aware": True} if names_version else {}
    try:
        return without_retries(protocol, fsspec.filesystem(protocol, **options_of(protocol), **versions))
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        remedy = f"run: {install_command(extra)}" if extra else f"install the fsspec package for {protocol!r}"
        raise UsageError(f"{protocol}:// needs a package that is not installed; {remedy}") from error
    except UsageError:
        raise
    except Exception as error:
        raise _unusable(protocol) from error


def _unusable(protocol: str) -> UsageError:
    return UsageError(f"{protocol}:// is not a store that can be used here; use a local path, s3://, gs:// or az://")


def locate(uri: str) -> Place:
    """Finds the file system of a URI or path; `::` chains only behind an archive's protocol.

    Raises:
        UsageError: The store is unknown, its package is not installed, or it cannot be used.
        ReadError: The archive that holds the path cannot be opened.
    """
    protocol, rest = split(uri)
    protocol = ALIASES.get(protocol, protocol)
    if protocol in ARCHIVES:
        if rest.count("::") > _MAX_NESTED_ARCHIVES:
            raise UsageError(f"more than {_MAX_NESTED_ARCHIVES} archives inside one another; unpack them first")
        member, found, archive = rest.rpartition("::")
        target = locate(archive) if found else locate(rest)
        return _in_archive(protocol, member if found else "", target)
    if protocol in LOCAL:
        return Place(_file_system("file"), _absolute(os.path.expanduser(rest) if not protocol else rest), "file://", "")
    refuse_key(uri)
    fs = _file_system(protocol, names_version=_VERSION_MARKS.get(protocol, "\n") in rest)
    if protocol == "az":
        AzureAccount.from_environment().refuse_other(rest)
    # fsspec would read `::` in a name of its memory store as a chain.
    path = "/" + rest.strip("/") if protocol == "memory" else fs._strip_protocol(uri)
    if "://" in path:  # HTTP file systems name a file by its whole address, and cannot list a folder
        raise _unusable(protocol)
    return Place(fs, path, f"{protocol}://", "")


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        raise UsageError(
            f"{path}: this is a path in the working folder, which was deleted; give the whole path, or change to "
            "another folder"
        ) from None


def _in_archive(protocol: str, member: str, archive: Place) -> Place:
    try:
        with one_deadline():
            signature = call_store(_signature, archive)
            fs, lock, spans = call_store(_open_archive, protocol, archive.uri, signature)
    except ReadError as error:
        if error.kind is ErrorKind.CORRUPT:
            raise
        raise ReadError(error.kind, f"the archive could not be opened: {error.detail}") from None
    return Place(fs, member.strip("/"), f"{protocol}://", f"::{archive.uri}", lock, spans)


def _signature(place: Place) -> tuple[str, int]:
    """Returns a key that changes when an archive must be opened again: its version, and the process after a fork.

    Raises:
        ReadError: A pipe or a device is there, which would wait for ever or has no end.
    """
    info = place.fs.info(place.path)
    if info["type"] == "other":
        raise ReadError(
            ErrorKind.CORRUPT, "the archive could not be opened (it is a pipe or a device; copy it to a file)"
        )
    return version_of(info), os.getpid()


class _Archive(NamedTuple):
    fs: Any
    lock: contextlib.AbstractContextManager[Any]
    spans: Mapping[str, Span]


@lru_cache(maxsize=16)
def _open_archive(protocol: str, uri: str, signature: tuple[str, int]) -> _Archive:
    """Opens an archive once per version and process, so that its index is read once for a million members."""
    place = locate(uri)
    fs, lock = open_archive(protocol, place.fs.open(place.path, "rb", block_size=_ARCHIVE_BLOCK_BYTES))
    has_spans = not place.suffix and not is_packed(fs)
    return _Archive(fs, lock, spans_of(fs, signature[0], place.is_local) if has_spans else {})


def canonical(uri: str) -> str:
    """Returns the canonical form of a URI or path, which is the form in the score table."""
    return locate(uri).uri


def call_store(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls an operation of a store until it succeeds, fails for good, or its deadline is reached.

    The pauses between the tries have full jitter: each is drawn from zero to a limit that doubles, so that many
    processes do not come back at once. Source: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.

    Raises:
        ReadError: The operation failed, whatever exception the store's library raised for it.
    """
    ends, attempt, limit = end_of_call(), 1, _FIRST_PAUSE
    fs = file_system_of(operation, *args)
    tries = min(_TRIES, _DISK_TRIES) if fs is None else _TRIES
    while True:
        try:
            return call_until(ends, operation, *args, **kwargs)
        except ReadError:
            raise
        except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
            if attempt == 1 and has_expired(error) and fs is not None:
                with contextlib.suppress(Exception):  # the second try says what is wrong
                    call_until(ends, fs.set_session, refresh=True)
                attempt += 1
                continue
            kind, pause = kind_of(error), random.uniform(0, limit)
            if attempt >= tries or not kind.is_transient or time.monotonic() + pause >= ends:
                # The library's own text may hold a signature, a token or a patient's name, so it is dropped.
                raise ReadError(kind, detail_of(error)) from None
        time.sleep(pause)
        attempt, limit = attempt + 1, min(2 * limit, _LONGEST_PAUSE)


def local_path(uri: str) -> str | None:
    """Returns the path of a local URI, or None for a URI in another store."""
    place = locate(uri)
    return place.path if place.is_local else None
