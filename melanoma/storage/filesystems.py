"""The one door to fsspec: finds the file system of a URI, and calls it.

A URI here is `protocol://path` with the path as the store spells it, byte for byte: nothing in it is percent-decoded,
no character of a name is special, and a member of an archive is `zip://member::protocol://path/of/archive.zip`.
"""

import contextlib
import os
import random
import re
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import fsspec

from melanoma.errors import ReadError, UsageError
from melanoma.storage.errors import MEANING, kind_of, reason_of
from melanoma.storage.file_info import version_of
from melanoma.storage.uris import ARCHIVES, split

_LOCAL = ("file", "local", "")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_CONNECT_SECONDS, _READ_SECONDS = 5, 30
_TRIES = 3
_UNFIT_FOR_DELTA = re.compile(r"[\[\]|^\\`]|%[0-9A-Fa-f]{2}")  # it takes paths for URLs, some of them
_AT_ONCE = contextlib.nullcontext()  # readers need not wait for each other


@dataclass(frozen=True)
class Place:
    """A path inside one file system, how its URI is spelt, and what a reader holds meanwhile."""

    fs: Any
    path: str
    prefix: str
    suffix: str
    turn: contextlib.AbstractContextManager[Any] = _AT_ONCE

    @property
    def uri(self) -> str:
        """Canonical URI of the place."""
        return self.uri_of(self.path)

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine's disk."""
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


def locate(uri: str) -> Place:
    """Finds the file system of a URI or path; `::` chains only behind an archive's protocol."""
    protocol, rest = split(uri)
    if protocol in ARCHIVES:
        member, found, archive = rest.rpartition("::")
        target = locate(archive) if found else locate(rest)
        return _in_archive(protocol, member if found else "", target)
    if protocol in _LOCAL:
        path = os.path.abspath(os.path.expanduser(rest) if not protocol else rest)
        return Place(_file_system("file"), path, "file://", "")
    fs = _file_system(protocol)
    # fsspec takes `::` in a name of its memory store for a chain.
    path = "/" + rest.strip("/") if protocol == "memory" else fs._strip_protocol(uri)
    if "://" in path:  # the web's file systems name a file by its whole address, and list no folder
        raise _unusable(protocol)
    return Place(fs, path, f"{protocol}://", "")


def _in_archive(protocol: str, member: str, archive: Place) -> Place:
    try:
        fs, turn = _open_archive(protocol, archive.uri, _signature(archive))
    except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
        kind = kind_of(error)
        raise ReadError(kind, f"the archive could not be opened ({type(error).__name__})") from None
    return Place(fs, member.strip("/"), f"{protocol}://", f"::{archive.uri}", turn)


def _signature(place: Place) -> tuple[str, int, int]:
    return version_of(place.fs.info(place.path)), os.getpid(), 0


@lru_cache(maxsize=16)
def _open_archive(
    protocol: str, uri: str, signature: tuple[str, int, int]
) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    """Opens an archive once per content and process: its index is read once for a million members."""
    place = locate(uri)
    file = place.fs.open(place.path, "rb")
    fs = fsspec.filesystem(protocol, **_options(protocol), fo=file, skip_instance_cache=True)
    # All members are read through one file; zipfile takes turns by itself, tarfile gives one reader another's bytes.
    return fs, _AT_ONCE if protocol == "zip" else threading.Lock()


def canonical(uri: str) -> str:
    """Gives the one spelling of a URI or path under which the score table knows it."""
    return locate(uri).uri


def call_store(question: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls the store, trying again what may pass, and translates whatever its library raises."""
    attempt = 1
    while True:
        try:
            return question(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - every store library has exceptions of its own
            kind = kind_of(error)
            if attempt >= _TRIES or not kind.is_transient:
                # The library's own text may hold a signature, a token or a patient's name: it stays here.
                raise ReadError(kind, f"{MEANING[kind]} ({reason_of(error)})") from None
        time.sleep(random.uniform(0.2, 0.5) * 4**attempt)
        attempt += 1


def delta_location(uri: str) -> tuple[str, dict[str, str]]:
    """Spells a folder for Delta Lake, with the options that the usual environment leaves unsaid.

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
    """Gives the path of a local URI, None for one in another store."""
    place = locate(uri)
    return place.path if place.is_local else None
