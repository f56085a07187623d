"""The photographs that the compared programs score: camera-sized JPEGs, made once and kept."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from melanoma.samples import phantoms

SIZE = (1024, 768)
QUALITY = 90
_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png"})


def prepare(images: Path | None, count: int, work: Path) -> Path:
    """Makes JPEGs of 1024x768 pixels with quality 90, unless an earlier call made them.

    Args:
        images: Folder of photographs, which are repeated if there are too few; None for synthetic ones.
        count: Number of files, at least 1.
        work: Folder in which they are kept.

    Returns:
        A folder that contains these files only.

    Raises:
        SystemExit: `images` contains no photograph.
    """
    folder = work.resolve() / f"{images.resolve().name if images else 'phantoms'}-{count}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for number, data in enumerate(_enlarged(images, count) if images else _synthetic(count)):
        (unfinished / f"photograph-{number:06d}.jpg").write_bytes(data)
    return unfinished.rename(folder)


def first(count: int, folder: Path) -> Path:
    """Returns a folder with hard links to the first `count` files of another, sorted by name."""
    few = folder.with_name(f"{folder.name}-first-{count}")
    few.mkdir(exist_ok=True)
    for path in sorted(folder.iterdir())[:count]:
        if not (few / path.name).exists():
            os.link(path, few / path.name)
    return few


def _enlarged(images: Path, count: int) -> Iterator[bytes]:
    paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in _EXTENSIONS)
    if not paths:
        raise SystemExit(f"{images}: contains no JPEG or PNG file; name a folder of photographs")
    step = max(1, len(paths) // count)
    for number in range(count):
        with Image.open(paths[number * step % len(paths)]) as small:
            large = small.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        data = io.BytesIO()
        large.save(data, "JPEG", quality=QUALITY)
        yield data.getvalue()


def _synthetic(count: int) -> Iterator[bytes]:
    from melanoma.images import encoding  # not at the top: this process's memory would be counted as its children's

    width, height = SIZE
    for seed in range(count):
        yield encoding.encode(phantoms.draw(seed, height, width), "jpeg", QUALITY)
