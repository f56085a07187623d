"""Writes a folder of synthetic pictures, some of them broken on purpose, for a first run.

No photograph is used. They do not depict any disease, and the scores that a network gives them prove nothing about its
accuracy.
"""

import itertools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melanoma.errors import UsageError
from melanoma.images.encoding import Format, encode
from melanoma.samples.phantoms import draw
from melanoma.storage.local import replace_file

_TURNS = {3: 2, 6: 1, 8: 3}  # EXIF orientation: quarter turns to the left that a viewer undoes
_SIZES = ((450, 600), (768, 1024), (224, 224), (600, 450), (300, 400))
_FOLDERS = ("2026-clinic-a", "2026-clinic-b", "2026-clinic-c")
_README_NAME = "README.txt"
# A later call compares this text byte for byte to recognise its own folder.
_README = """These pictures are drawn by a program; no photograph went into them. They depict no disease and
no person, and what a network says about them proves nothing about its accuracy. They serve to try the job on.

{count} files lie in the folders beside this one, {broken} of them broken on purpose: their names say how.
Drawn with: count {count}, broken {broken}, seed {seed}.
"""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HUGE_HEADER = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0)
_HUGE = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", _HUGE_HEADER) + _chunk(b"IEND", b"")
_PAGE = b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"


def _with_flipped_byte(png: bytes) -> bytes:
    place = 1000  # inside the first piece of compressed pixels
    return png[:place] + bytes([png[place] ^ 0xFF]) + png[place + 1 :]


_FAULTS: dict[str, tuple[Format, Callable[[bytes], bytes]]] = {
    "empty": ("jpeg", lambda whole: b""),
    "cut-in-half": ("jpeg", lambda whole: whole[: len(whole) // 2]),
    "web-page": ("jpeg", lambda whole: _PAGE),
    "flipped-byte": ("png", _with_flipped_byte),
    "huge-header": ("png", lambda whole: _HUGE),
}


class _Sample(NamedTuple):
    """One file to write."""

    path: Path
    seed: int
    size: tuple[int, int]
    format: Format
    orientation: int
    is_grey: bool
    fault: str | None

    def data(self) -> bytes:
        """Returns the file's bytes, broken if the sample has a fault."""
        pixels = np.rot90(draw(self.seed, *self.size), _TURNS.get(self.orientation, 0))
        if self.is_grey:
            pixels = pixels.mean(axis=2).astype(np.uint8)
        whole = encode(np.ascontiguousarray(pixels), self.format, orientation=self.orientation)
        return _FAULTS[self.fault][1](whole) if self.fault else whole


def _plan(folder: Path, count: int, broken: int, seed: int) -> list[_Sample]:
    """Returns the files of a set in the order of their numbers; broken ones are spread evenly."""
    kinds = itertools.islice(itertools.cycle(_FAULTS), broken)
    faults = {(2 * k + 1) * count // (2 * broken): kind for k, kind in enumerate(kinds)}
    sound = itertools.count()  # counted apart, so that broken files do not skew formats, sizes and orientations
    plan = []
    for index in range(count):
        fault = faults.get(index)
        step = index if fault else next(sound)
        format: Format = _FAULTS[fault][0] if fault else "png" if step % 4 == 3 else "jpeg"
        name = f"phantom-{index + 1:04d}{'-' + fault if fault else ''}.{'png' if format == 'png' else 'jpg'}"
        turned = 1 if fault else {5: 6, 13: 3, 21: 8}.get(step % 32, 1)
        grey = not fault and step == (count - broken) // 2
        path, size = folder / _FOLDERS[index % len(_FOLDERS)] / name, _SIZES[step % len(_SIZES)]
        plan.append(_Sample(path, seed * 1_000_003 + index, size, format, turned, grey, fault))
    return plan


def _claim(folder: Path, readme: str) -> None:
    """Checks that the folder is new, empty, or already holds this set, so that samples mix with no other files."""
    marker = folder / _README_NAME
    if marker.is_file() and marker.read_bytes() == readme.encode():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds other files than this set of samples, and files are never overwritten; "
            "choose a new or empty folder, or repeat the count, broken and seed of the set that is there"
        )
    replace_file(str(marker), readme.encode())


def write_samples(
    folder: Path,
    count: int = 200,
    broken: int = 5,
    seed: int = 0,
    on_each: Callable[[Path], object] = lambda path: None,
) -> list[Path]:
    """Fills a folder with samples: JPEG and PNG, several sizes, some turned by EXIF, one grey, some broken.

    The same arguments give the same files. A call completes what an interrupted one left; existing files are kept.

    Args:
        folder: New, empty, or filled by an earlier call with the same arguments, which its `README.txt` states.
        count: Number of files, at least 1, not counting the README.
        broken: How many of them are broken; they are spread among the others, and their names say how.
        seed: Seed of the pictures, at least 0.
        on_each: Called with the path of each file once it exists.

    Returns:
        The `count` paths, in the order of their numbers.

    Raises:
        UsageError: A number is out of range, or the folder holds other files.
        OSError: The folder cannot be written.
    """
    if count < 1 or not 0 <= broken <= count or seed < 0:
        raise UsageError(
            f"count {count}, broken {broken}, seed {seed}: "
            "count must be at least 1, broken between 0 and count, seed at least 0"
        )
    _claim(folder, _README.format(count=count, broken=broken, seed=seed))
    plan = _plan(folder, count, broken, seed)
    for sample in plan:
        if not sample.path.exists():
            replace_file(str(sample.path), sample.data())
        on_each(sample.path)
    return [sample.path for sample in plan]
