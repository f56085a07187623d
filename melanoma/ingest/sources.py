"""What a run is asked to score: photographs below roots, or the rows of a manifest."""

import contextlib
import datetime
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.manifests import Manifest, read_manifest
from melanoma.storage import StoredFile
from melanoma.table.layout import OutputLayout

OLDER = "older than --since"
_LOOK_UPS = 16
_COMMON = {
    *("avi", "avif", "bak", "bin", "bmp", "cr2", "csv", "dat", "db", "dcm", "dicom", "dng"),
    *("doc", "docx", "gif", "gz", "heic", "heif", "html", "ini", "j2k", "jp2", "jpeg", "jpg"),
    *("json", "jxl", "log", "md", "mov", "mp4", "nef", "nii", "npy", "parquet", "part", "pdf"),
    *("png", "pptx", "raw", "rtf", "svg", "tar", "tif", "tiff", "tmp", "toml", "tsv", "txt"),
    *("webp", "wmv", "xls", "xlsx", "xml", "xmp", "yaml", "yml", "zip"),
}


@dataclass(frozen=True)
class Root:
    """A file, folder or glob to list.

    Attributes:
        uri: As the user spelt it.
        pattern: Glob on names (any case) of what counts as a photograph; None for every image extension.
        base: URI under which the table knows what lies below `uri`; None for `uri` itself.
        since: Photographs that the store dates before this local date are ignored; None to take all.
        output: Layout of the output folder, whose own files are no photographs wherever it lies.
    """

    uri: str
    pattern: str | None = None
    base: str | None = None
    since: datetime.date | None = None
    output: OutputLayout | None = None


Source = Root | Manifest


def list_images(source: Source, ignored: Counter[str] | None = None) -> Iterator[ImageRef]:
    """Lists the photographs of one source, never looking at a byte of them.

    Args:
        source: Where to look.
        ignored: Counts, by extension or kind, what is no photograph.

    Raises:
        ReadError: A root or a folder below it cannot be listed.
        UsageError: It may not be listed, or the manifest cannot be read or lacks a column.
    """
    counter = Counter[str]() if ignored is None else ignored
    if isinstance(source, Manifest):
        yield from _manifest_images(source, counter)
        return
    known_as = _renamer(source)
    for stored in _listed(source):
        name = storage.name_of(stored.uri)
        if source.output is not None and source.output.is_own(stored.uri):
            counter["of the score table"] += 1
        elif not stored.regular:
            counter["links and devices"] += 1
        elif not is_photograph(name, source.pattern):
            counter[_kind_of(name)] += 1
        elif _is_older(stored, source.since):
            counter[OLDER] += 1
        else:
            yield known_as(_ref(stored, storage.stem_of(stored.uri)))


def _listed(root: Root) -> Iterator[StoredFile]:
    try:
        yield from storage.list_files(root.uri)
    except ReadError as error:
        if error.kind is not ErrorKind.FORBIDDEN:
            raise
        raise UsageError(
            f"{root.uri}: it or a folder below it may not be listed ({error.detail}); mend the rights, or name with "
            "--images the folders beside it"
        ) from None


def _kind_of(name: str) -> str:
    """Gives a file's extension if it is a common one: what stands behind the last dot may be a patient's name."""
    extension = PurePosixPath(name).suffix.lower()
    return extension if extension[1:] in _COMMON else "another extension" if extension else "no extension"


def _renamer(root: Root) -> Callable[[ImageRef], ImageRef]:
    """Gives what puts the name that the table knows in place of where a photograph lies."""
    if root.base is None:
        return lambda ref: ref
    here, base = storage.canonical(root.uri).rstrip("/"), storage.canonical(root.base).rstrip("/")

    def renamed(ref: ImageRef) -> ImageRef:
        if not ref.uri.startswith(f"{here}/"):
            raise UsageError(f"{root.uri}: --uri-base goes with a folder, not with a file, a glob or an archive")
        return ref._replace(uri=base + ref.uri[len(here) :], location=ref.uri)

    return renamed


def _is_older(stored: StoredFile, since: datetime.date | None) -> bool:
    return since is not None and stored.modified is not None and stored.modified.astimezone().date() < since


def is_photograph(name: str, pattern: str | None = None) -> bool:
    """Tells whether a file's name says that it is a photograph."""
    if pattern is not None:
        return fnmatch.fnmatchcase(name.lower(), pattern.lower())
    return PurePosixPath(name).suffix.lower() in IMAGE_EXTENSIONS


def kept_schema(sources: Sequence[Source]) -> pa.Schema:
    """Gives the columns that a manifest carries into the score table, with their types.

    Raises:
        UsageError: A column is not there, or of a type that the table cannot hold.
    """
    fields = [field for source in sources if isinstance(source, Manifest) for field in read_manifest(source).schema]
    return pa.schema([field for field in fields if field.name not in ("uri", "image_id")])


def _ref(stored: StoredFile, image_id: str, kept: tuple[Any, ...] = ()) -> ImageRef:
    return ImageRef(stored.uri, stored.version, stored.size, image_id, kept)


def _manifest_images(manifest: Manifest, ignored: Counter[str]) -> Iterator[ImageRef]:
    table = read_manifest(manifest)
    with ThreadPoolExecutor(_LOOK_UPS) as pool:
        for batch in table.to_batches(max_chunksize=_LOOK_UPS * 16):
            columns = batch.to_pydict()
            ids = columns.get("image_id") or [None] * len(batch)
            kept = zip(*(columns[name] for name in manifest.keep), strict=True) if manifest.keep else [()] * len(batch)
            for stored, image_id, values in zip(pool.map(_look_up, columns["uri"]), ids, kept, strict=True):
                if _is_older(stored, manifest.since):
                    ignored[OLDER] += 1
                else:
                    yield _ref(stored, image_id or storage.stem_of(stored.uri), tuple(values))


def _look_up(uri: str) -> StoredFile:
    """Finds a manifest's photograph; what cannot be found is listed all the same and fails on its own row."""
    spelt = uri
    try:
        spelt = storage.canonical(uri)  # an archive must be there to be spelt
        return storage.stat(uri)
    except (ReadError, UsageError):
        return StoredFile(spelt, "", -1, True)


def check_sources(sources: Sequence[Source]) -> list[str]:
    """Looks whether every source is there and gives at least one photograph, reading none of them.

    Returns:
        The sources that list nothing.

    Raises:
        UsageError: A root does not exist, or a manifest names a store that is unknown or not installed.
    """
    empty = []
    for source in sources:
        try:
            if isinstance(source, Manifest):
                uris = read_manifest(source)["uri"].to_pylist()
                is_empty = not uris
                for uri in {uri.partition("://")[0]: uri for uri in uris}.values():
                    # What is wrong with one archive fails on its own row.
                    with contextlib.suppress(ReadError, *([UsageError] if "::" in uri else [])):
                        storage.canonical(uri)
            else:
                is_empty = next(list_images(replace(source, since=None)), None) is None
            empty += [source.uri] if is_empty else []
        except ReadError as error:
            if error.kind in (ErrorKind.MISSING, ErrorKind.BAD_NAME, ErrorKind.CORRUPT):
                raise UsageError(f"{source.uri}: {error.detail}; check --images for a typing error") from None
            raise
    return empty
