"""The only module that opens file systems with fsspec: finds the file system of a URI, and calls it.

A URI is `protocol://path` with the path as the store spells it, byte for byte: nothing in it is percent-decoded, no
character of a name is special, and a member of an archive is `zip://member::protocol://path/of/archive.zip`.
"""

import contextlib
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import fsspec

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.extras import install_command
from melanoma.storage.archives import DAMAGED, open_archive
from melanoma.storage.errors import detail_of, kind_of
from melanoma.storage.file_info import version_of
from melanoma.storage.uris import ARCHIVES, split

_LOCAL = ("file", "local", "")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_CONNECT_SECONDS, _READ_SECONDS = 5, 30
_TRIES = 3
_UNFIT_FOR_DELTA = re.compile(r"[\[\]|^\\`]|%[0-9A-Fa-f]{2}")  # Delta Lake would read some of these as parts of a URL
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
    """

    fs: Any
    path: str
    prefix: str
    suffix: str
    lock: contextlib.AbstractContextManager[Any] = _NO_LOCK

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
        remedy = f"run: {install_command(extra)}" if extra else f"install the fsspec package for {protocol!r}"
        raise UsageError(f"{protocol}:// needs a package that is not installed; {remedy}") from error
    except Exception as error:
        if _EXTRAS.get(protocol) == "azure" and isinstance(error, ValueError):
            raise UsageError(
                f"{protocol}://: no Azure credentials found; set AZURE_STORAGE_CONNECTION_STRING, or "
                "AZURE_STORAGE_ACCOUNT_NAME and a key or token"
            ) from error
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
    if protocol in ARCHIVES:
        if rest.count("::") > _MAX_NESTED_ARCHIVES:
            raise UsageError(f"more than {_MAX_NESTED_ARCHIVES} archives inside one another; unpack them first")
        member, found, archive = rest.rpartition("::")
        target = locate(archive) if found else locate(rest)
        return _in_archive(protocol, member if found else "", target)
    if protocol in _LOCAL:
        path = os.path.abspath(os.path.expanduser(rest) if not protocol else rest)
        return Place(_file_system("file"), path, "file://", "")
    fs = _file_system(protocol)
    # fsspec would read `::` in a name of its memory store as a chain.
    path = "/" + rest.strip("/") if protocol == "memory" else fs._strip_protocol(uri)
    if "://" in path:  # HTTP file systems name a file by its whole address, and cannot list a folder
        raise _unusable(protocol)
    return Place(fs, path, f"{protocol}://", "")


def _in_archive(protocol: str, member: str, archive: Place) -> Place:
    try:
        fs, lock = _open_archive(protocol, archive.uri, _signature(archive))
    except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
        kind = ErrorKind.CORRUPT if isinstance(error, DAMAGED) else kind_of(error)
        raise ReadError(kind, f"the archive could not be opened ({type(error).__name__})") from None
    return Place(fs, member.strip("/"), f"{protocol}://", f"::{archive.uri}", lock)


def _signature(place: Place) -> tuple[str, int]:
    """Returns a key that changes when an archive must be opened again: its version, and the process after a fork."""
    return version_of(place.fs.info(place.path)), os.getpid()


@lru_cache(maxsize=16)
def _open_archive(
    protocol: str, uri: str, signature: tuple[str, int]
) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    """Opens an archive once per version and process, so that its index is read once for a million members."""
    place = locate(uri)
    return open_archive(protocol, place.fs.open(place.path, "rb"))


def canonical(uri: str) -> str:
    """Returns the canonical form of a URI or path, which is the form in the score table."""
    return locate(uri).uri


def call_store(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls an operation of a store; retries transient failures.

    Raises:
        ReadError: The operation failed, whatever exception the store's library raised for it.
    """
    attempt = 1
    while True:
        try:
            return operation(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
            kind = kind_of(error)
            if attempt >= _TRIES or not kind.is_transient:
                # The library's own text may hold a signature, a token or a patient's name, so it is dropped.
                raise ReadError(kind, detail_of(error)) from None
        time.sleep(random.uniform(0.2, 0.5) * 4**attempt)
        attempt += 1


def delta_location(uri: str) -> tuple[str, dict[str, str]]:
    """Returns a folder's URI for Delta Lake, and the storage options that it needs beyond the environment.

    Raises:
        UsageError: Delta Lake cannot write to this kind of store, or under this name.
    """
    place = locate(uri)
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
    """Returns the path of a local URI, or None for a URI in another store."""
    place = locate(uri)
    return place.path if place.is_local else None
