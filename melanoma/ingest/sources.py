"""Sources of a run: photographs below roots, or in the rows of a manifest."""

import contextlib
import datetime
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.images.file_names import (
    explains_folder,
    is_hidden,
    is_photograph,
    is_system_folder,
    reported_extension,
)
from melanoma.ingest.breaker import Breaker
from melanoma.ingest.image_refs import ImageRef, Renaming
from melanoma.ingest.manifests import Manifest, kept_fields, read_manifest
from melanoma.storage import StoredFile
from melanoma.storage.errors import MEANING, with_advice
from melanoma.table.layout import OutputLayout

OLDER = "older than --since"  # these headings are counted in the record of a run
_OWN_FILES, _NOT_REGULAR = "of the score table", "links and devices"
_SYSTEM = "hidden or of the system"
_LOOKUP_THREADS = 16
_ROWS_AT_ONCE = 16 * _LOOKUP_THREADS


@dataclass(frozen=True)
class Root:
    """A file, folder, glob or archive to list.

    Attributes:
        uri: URI or path, as the user wrote it.
        pattern: Glob on file names, in any case, of what counts as a photograph; None for every image extension.
        base: URI under which the score table knows the photographs below `uri`; None for `uri` itself.
        since: Photographs with an earlier local date in the store are ignored; None for no limit.
        output: Layout of the output folder, whose own files are ignored; None for no output.
    """

    uri: str
    pattern: str | None = None
    base: str | None = None
    since: datetime.date | None = None
    output: OutputLayout | None = None


Source = Root | Manifest


class Listed(NamedTuple):
    """A photograph as a source lists it.

    Attributes:
        ref: The photograph.
        modified: UTC time of its last change; None where the store does not report it.
    """

    ref: ImageRef
    modified: datetime.datetime | None


def list_images(source: Source, ignored: Counter[str] | None = None) -> Iterator[ImageRef]:
    """Lists the photographs of one source without reading any.

    Args:
        source: Root or manifest.
        ignored: Counts the ignored files, by extension or reason.

    Raises:
        ReadError: A root does not exist, or the store does not answer.
        UsageError: A folder must not be listed, or the manifest cannot be used.
    """
    return (listed.ref for listed in list_with_times(source, ignored))


def list_with_times(source: Source, ignored: Counter[str] | None = None) -> Iterator[Listed]:
    """Lists the photographs of one source as `list_images` does, with the time of their last change."""
    counter = Counter[str]() if ignored is None else ignored
    return _manifest_images(source, counter) if isinstance(source, Manifest) else _root_images(source, counter)


def with_known_columns(sources: Sequence[Source], columns: pa.Schema) -> tuple[Source, ...]:
    """Returns the sources with manifests that know the columns of the score table, and so the types to read.

    Args:
        sources: Roots and manifests.
        columns: Columns of the score table; empty where there is none yet.
    """
    return tuple(replace(source, known=columns) if isinstance(source, Manifest) else source for source in sources)


def kept_schema(sources: Sequence[Source]) -> pa.Schema:
    """Returns the columns that the manifests of a run carry into the score table, with their types.

    Raises:
        UsageError: A column is missing, or the table cannot hold its type.
    """
    return pa.schema([field for source in sources if isinstance(source, Manifest) for field in kept_fields(source)])


def check_sources(sources: Sequence[Source]) -> list[str]:
    """Checks that every source exists, without reading a photograph.

    Returns:
        The sources without any photograph that exists, as the user wrote them.

    Raises:
        ReadError: The store does not answer.
        UsageError: A root does not exist, or a manifest names a store that is unknown or not installed.
    """
    return [source.uri for source in sources if _is_empty(source)]


@contextlib.contextmanager
def naming(source: Source) -> Iterator[None]:
    """Turns the error for a root that does not exist or cannot be addressed into one that names it.

    Raises:
        UsageError: A `ReadError` of that kind was raised in the block.
    """
    try:
        yield
    except ReadError as error:
        if error.kind in (ErrorKind.MISSING, ErrorKind.BAD_NAME, ErrorKind.CORRUPT):
            found = "does not exist" if error.kind is ErrorKind.MISSING else error.detail
            is_damaged = error.kind is ErrorKind.CORRUPT
            advice = "it is cut, damaged or of another kind" if is_damaged else "check --images for a typo"
            raise UsageError(f"{source.uri}: {found}; {advice}") from None
        raise


def _is_empty(source: Source) -> bool:
    with naming(source):
        if isinstance(source, Manifest):
            uris = read_manifest(source)["uri"].to_pylist()
            _check_stores(uris)
            return not _any_exists(uris)
        return next(list_images(replace(source, since=None)), None) is None


def _any_exists(uris: Sequence[str]) -> bool:
    """Tells whether a manifest names any photograph that exists; what a store does not tell counts as existing."""
    if any(_may_exist(uri) for uri in uris[:1]):  # a store that does not answer is asked once
        return True
    with ThreadPoolExecutor(_LOOKUP_THREADS) as pool:
        groups = (uris[start : start + _ROWS_AT_ONCE] for start in range(0, len(uris), _ROWS_AT_ONCE))
        return any(any(pool.map(_may_exist, group)) for group in groups)


def _may_exist(uri: str) -> bool:
    try:
        storage.stat(uri)
    except ReadError as error:
        return error.kind is not ErrorKind.MISSING
    except UsageError:  # in an archive; it fails in its own row
        return True
    return True


def _check_stores(uris: Sequence[str]) -> None:
    """Checks one URI of each store that a manifest names."""
    for uri in {uri.partition("://")[0]: uri for uri in uris}.values():
        # A faulty archive fails in its own rows.
        with contextlib.suppress(ReadError, *([UsageError] if "::" in uri else [])):
            storage.canonical(uri)


# Roots


def _root_images(root: Root, ignored: Counter[str]) -> Iterator[Listed]:
    renaming = None if root.base is None else Renaming.from_folder_to(root.uri, root.base)
    for stored in _list_root(root):
        if reason := _reason_to_ignore(stored, root):
            if not explains_folder(storage.name_of(stored.uri)):
                ignored[reason] += 1
        else:
            ref = _ref_to(stored, storage.stem_of(stored.uri))
            yield Listed(ref if renaming is None else renaming.applied_to(ref), stored.modified)


def _list_root(root: Root) -> Iterator[StoredFile]:
    try:
        yield from storage.list_files(root.uri, is_system_folder)
    except ReadError as error:
        if error.kind is not ErrorKind.FORBIDDEN:
            raise
        raise _refusal(root.uri, error) from None


def _refusal(uri: str, error: ReadError) -> UsageError:
    """Returns the error for a root that must not be listed; does not name the folder, which may be a patient's."""
    if not error.detail.startswith(MEANING[ErrorKind.FORBIDDEN]):  # no credentials, or incomplete ones
        return UsageError(f"{uri}: cannot be listed: {with_advice(error)}")
    return UsageError(
        f"{uri}: permission denied for it or a folder below it; fix the permissions, or give the readable folders, "
        "each with its own --images"
    )


def _reason_to_ignore(stored: StoredFile, root: Root) -> str | None:
    """Returns under which heading a file is counted as ignored; None for a photograph."""
    if root.output is not None and root.output.is_own(stored.uri):
        return _OWN_FILES
    name = storage.name_of(stored.uri)
    if not stored.regular:
        return _SYSTEM if is_system_folder(name) else _NOT_REGULAR
    if not is_photograph(name, root.pattern):
        return reported_extension(name)
    if is_hidden(name, root.pattern) or _is_in_system_folder(stored, root):
        return _SYSTEM
    return OLDER if _is_older(stored, root.since) else None


def _is_in_system_folder(stored: StoredFile, root: Root) -> bool:
    """Tells whether a member of an archive lies in a system folder below the root; other stores do not list these."""
    below = storage.member_parts(stored.uri)[len(storage.member_parts(root.uri)) : -1]
    return any(map(is_system_folder, below))


def _is_older(stored: StoredFile, since: datetime.date | None) -> bool:
    return since is not None and stored.modified is not None and stored.modified.astimezone().date() < since


def _ref_to(stored: StoredFile, image_id: str, kept: tuple[Any, ...] = ()) -> ImageRef:
    return ImageRef(stored.uri, stored.version, stored.size, image_id, kept)


# Manifests


def _manifest_images(manifest: Manifest, ignored: Counter[str]) -> Iterator[Listed]:
    table, look_up = read_manifest(manifest), partial(_look_up, breaker=Breaker())
    with ThreadPoolExecutor(_LOOKUP_THREADS) as pool:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            columns = batch.to_pydict()
            ids = columns.get("image_id") or [None] * len(batch)
            kept = zip(*(columns[name] for name in manifest.keep), strict=True) if manifest.keep else [()] * len(batch)
            for stored, image_id, values in zip(pool.map(look_up, columns["uri"]), ids, kept, strict=True):
                if _is_older(stored, manifest.since):
                    ignored[OLDER] += 1
                else:
                    ref = _ref_to(stored, image_id or storage.stem_of(stored.uri), tuple(values))
                    yield Listed(ref, stored.modified)


def _look_up(uri: str, breaker: Breaker) -> StoredFile:
    """Returns the entry of a manifest's photograph; one that cannot be found gets no version and fails in its row.

    Raises:
        NothingCommittedError: The store gives nothing any more.
    """
    name, began = uri, time.monotonic()
    try:
        name = storage.canonical(uri)  # fails for an archive that does not exist
        found = storage.stat(uri)
    except UsageError:
        return StoredFile(name, "", -1, True)
    except ReadError as error:
        breaker.note(error, time.monotonic() - began)
        return StoredFile(name, "", -1, True)
    breaker.note(None)
    return found
