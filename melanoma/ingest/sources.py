"""Sources of a run: photographs below roots, or in the rows of a manifest."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.listed import Listed
from melanoma.ingest.manifest_images import any_exists, check_stores, manifest_images
from melanoma.ingest.manifests import Manifest, kept_fields, read_manifest
from melanoma.ingest.roots import Root, root_images

Source = Root | Manifest


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
    return manifest_images(source, counter) if isinstance(source, Manifest) else root_images(source, counter)


def with_known_columns(sources: Sequence[Source], columns: pa.Schema) -> tuple[Source, ...]:
    """Returns the sources with manifests that know the columns of the score table, and so the types to read.

    Args:
        sources: Roots and manifests.
        columns: Columns of the score table; empty where there is none yet.
    """
    return tuple(replace(source, known=columns) if isinstance(source, Manifest) else source for source in sources)


def kept_schema(sources: Sequence[Source]) -> pa.Schema:
    """Returns the columns that manifests and DICOM files of a run carry into the score table, with their types.

    Raises:
        UsageError: A column is missing, or the table cannot hold its type.
    """
    fields = [field for source in sources if isinstance(source, Manifest) for field in kept_fields(source)]
    tags = dict.fromkeys(name for source in sources if isinstance(source, Root) for name in source.keep)
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in tags)])


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
            if error.kind is ErrorKind.CORRUPT and ";" in found:  # says what to do
                raise UsageError(f"{source.uri}: {found}") from None
            is_damaged = error.kind is ErrorKind.CORRUPT
            advice = "it is cut, damaged or of another kind" if is_damaged else "check --images for a typo"
            raise UsageError(f"{source.uri}: {found}; {advice}") from None
        raise


def _is_empty(source: Source) -> bool:
    with naming(source):
        if isinstance(source, Manifest):
            uris = read_manifest(source)["uri"].to_pylist()
            check_stores(uris)
            return not any_exists(uris)
        return next(list_images(replace(source, since=None)), None) is None
