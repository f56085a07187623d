"""The photographs that contenders score: JPEGs of a camera's size, made once and kept."""

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
    """Makes JPEGs of 1024x768 pixels at quality 90, unless they are there from an earlier call.

    Args:
        images: Folder of photographs, which take turns where they are too few; None draws phantoms.
        count: How many.
        work: Where they are kept.

    Returns:
        The folder that holds them and nothing else.

    Raises:
        SystemExit: `images` holds no photograph.
    """
    folder = work.resolve() / f"{images.resolve().name if images else 'phantoms'}-{count}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for number, data in enumerate(_enlarged(images, count) if images else _drawn(count)):
        (unfinished / f"photograph-{number:06d}.jpg").write_bytes(data)
    return unfinished.rename(folder)


def first(count: int, folder: Path) -> Path:
    """Gives a folder of the first photographs of another, as hard links."""
    few = folder.with_name(f"{folder.name}-first-{count}")
    few.mkdir(exist_ok=True)
    for path in sorted(folder.iterdir())[:count]:
        if not (few / path.name).exists():
            os.link(path, few / path.name)
    return few


def _enlarged(images: Path, count: int) -> Iterator[bytes]:
    paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in _EXTENSIONS)
    if not paths:
        raise SystemExit(f"{images}: no photograph there; name a folder of JPEG or PNG files")
    step = max(1, len(paths) // count)
    for number in range(count):
        with Image.open(paths[number * step % len(paths)]) as small:
            large = small.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        data = io.BytesIO()
        large.save(data, "JPEG", quality=QUALITY)
        yield data.getvalue()


def _drawn(count: int) -> Iterator[bytes]:
    from melanoma.images import encoding  # only here: what this process holds would count as its children's memory

    width, height = SIZE
    for seed in range(count):
        yield encoding.encode(phantoms.draw(seed, height, width), "jpeg", QUALITY)
