"""Photographs below a root: a file, a folder, a glob or an archive."""

import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.images.dicom_tags import KEPT
from melanoma.images.file_names import (
    explains_folder,
    is_hidden,
    is_photograph,
    is_system_folder,
    reported_extension,
)
from melanoma.ingest.image_refs import Renaming
from melanoma.ingest.listed import OLDER, Listed, is_older, ref_to
from melanoma.storage import StoredFile
from melanoma.storage.errors import MEANING, with_advice
from melanoma.table.layout import OutputLayout

_OWN_FILES, _NOT_REGULAR = "of the score table", "links and devices"  # headings, like `OLDER`
_SYSTEM = "hidden or of the system"


@dataclass(frozen=True)
class Root:
    """A file, folder, glob or archive to list.

    Attributes:
        uri: URI or path, as the user wrote it.
        pattern: Glob on file names, in any case, of what counts as a photograph; None for every image extension.
        base: URI under which the score table knows the photographs below `uri`; None for `uri` itself.
        since: Photographs with an earlier local date in the store are ignored; None for no limit.
        output: Layout of the output folder, whose own files are ignored; None for no output.
        keep: What to keep of DICOM files in the score table, of the names in `dicom_tags.KEPT`.

    Raises:
        UsageError: `keep` names something else, or something twice.
    """

    uri: str
    pattern: str | None = None
    base: str | None = None
    since: datetime.date | None = None
    output: OutputLayout | None = None
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks `keep`."""
        if wrong := sorted({name for name in self.keep if name not in KEPT or self.keep.count(name) > 1}):
            raise UsageError(
                f"--keep {', '.join(wrong)}: a folder has no columns; of DICOM files below --images can be kept, each "
                f"once: {', '.join(KEPT)}; the columns of a manifest go with --manifest"
            )


def root_images(root: Root, ignored: Counter[str]) -> Iterator[Listed]:
    """Lists the photographs below a root, and counts the files that it ignores by extension or reason."""
    renaming = None if root.base is None else Renaming.from_folder_to(root.uri, root.base)
    depth = len(storage.member_parts(root.uri))
    for stored in _list_root(root):
        name = storage.name_of(stored.uri)
        if reason := _reason_to_ignore(stored, name, root, depth):
            if not explains_folder(name):
                ignored[reason] += 1
        else:
            ref = ref_to(stored, storage.stem_of(name))
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
    # The store refused all, or there are no credentials, or incomplete ones.
    if storage.local_path(uri) is None or not error.detail.startswith(MEANING[ErrorKind.FORBIDDEN]):
        return UsageError(f"{uri}: cannot be listed: {with_advice(error)}")
    return UsageError(
        f"{uri}: permission denied for it or a folder below it; fix the permissions, or give the readable folders, "
        "each with its own --images"
    )


def _reason_to_ignore(stored: StoredFile, name: str, root: Root, depth: int) -> str | None:
    """Returns under which heading a file is counted as ignored; None for a photograph.

    Args:
        stored: The file.
        name: Last part of its path.
        root: The root below which it lies.
        depth: Number of folders of an archive above the root.
    """
    if root.output is not None and root.output.is_own(stored.uri):
        return _OWN_FILES
    if not stored.regular:
        return _SYSTEM if is_system_folder(name) else _NOT_REGULAR
    if not is_photograph(name, root.pattern):
        return reported_extension(name)
    if is_hidden(name, root.pattern) or any(map(is_system_folder, storage.member_parts(stored.uri)[depth:-1])):
        return _SYSTEM
    return OLDER if is_older(stored, root.since) else None
