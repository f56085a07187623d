"""Which files of a data set can be decoded: unreadable ones are left out before anything is split."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import Hashes
from melanoma.datasets.cleaning import Step
from melanoma.datasets.photographs import Photograph, every_file
from melanoma.errors import DataError


class ReadableFiles(NamedTuple):
    """The files that training may open: the main file of each photograph, then the additional ones.

    Attributes:
        files: Each file as a separate photograph.
        owners: For each file, the index of the photograph that it shows.
        hashes: Perceptual hashes of each file.
    """

    files: list[Photograph]
    owners: list[int]
    hashes: Hashes


class Readable(NamedTuple):
    """The readable photographs, their files, and what was dropped.

    Attributes:
        photographs: Photographs whose main file can be decoded, without additional files that cannot.
        files: All files of these photographs.
        steps: What was dropped, for the card.
    """

    photographs: list[Photograph]
    files: ReadableFiles
    steps: list[Step]


def drop_unreadable(
    photographs: Sequence[Photograph], on_start: Callable[[int], object], on_each: Callable[[], object]
) -> Readable:
    """Opens and hashes every file, and drops those that cannot be decoded.

    Args:
        photographs: Cleaned photographs.
        on_start: Called with the number of files.
        on_each: Called after each file.

    Raises:
        DataError: No file can be decoded.
    """
    files, owners = every_file(photographs)
    on_start(len(files))
    hashes, refused = hash_photographs(files, on_each, turned=True)
    kept = [index for index, owner in enumerate(owners) if index not in refused and owner not in refused]
    unreadable = {files[index].uri for index in refused}
    readable = [
        replace(files[index], other_uris=tuple(uri for uri in files[index].other_uris if uri not in unreadable))
        for index in kept
        if index == owners[index]
    ]
    if not readable:
        raise DataError(f"none of the {len(files)} files is a readable photograph; check --data")
    position_of = {index: position for position, index in enumerate(kept[: len(readable)])}
    additional = [files[index] for index in kept[len(readable) :]]
    found = ReadableFiles([*readable, *additional], [position_of[owners[index]] for index in kept], hashes[kept])
    return Readable(readable, found, _steps(refused, owners, len(readable)))


def _steps(refused: dict[int, str], owners: Sequence[int], left: int) -> list[Step]:
    """Lists main files by their error kind, and counts additional ones."""
    kinds = Counter(kind for index, kind in refused.items() if index == owners[index])
    counts = "".join(f", {kind} {count}" for kind, count in sorted(kinds.items()))
    steps = [Step("unreadable files" + counts, kinds.total(), left)]
    if additional := len(refused) - kinds.total():
        steps.append(Step(f"{additional} additional files of photographs are unreadable and not used", 0, left))
    return steps
