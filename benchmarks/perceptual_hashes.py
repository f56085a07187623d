"""Measures how many bits differ between perceptual hashes of one photograph, and of two lesions, on HAM10000.

    python benchmarks/perceptual_hashes.py HAM10000

HAM10000 contains metadata.csv, images/ and optionally crop_224/, central squares of some of the images.
"""

import io
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import (
    NEAR_BITS,
    NEAR_BITS_TURNED,
    Hashes,
    near_pairs,
    perceptual_hash,
    turned_hashes,
)
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reading import read_table
from melanoma.images.decoding import ImageSpec, decode

SPEC = ImageSpec(64, 64)
SAMPLE = 500
TURNS = list(Image.Transpose)
REENCODINGS = ((90, 1.0), (70, 0.7), (50, 0.5))  # JPEG quality, scale of the sides


def main(folder: Path) -> None:
    """Prints all tables of docs/models/audit.md on near duplicates."""
    columns = Columns("image_id", "dx", "lesion_id")
    photographs, *_ = read_table(str(folder / "metadata.csv"), columns, [str(folder / "images")])
    hashes = hash_photographs(photographs, turned=True).hashes
    print(f"HAM10000, {len(photographs):,} photographs\n\nbits  one lesion  two lesions  two lesions, one turned")
    print_pairs(photographs, hashes)
    sizes = Counter(photograph.group for photograph in photographs).values()
    print(f"all pairs of one lesion: {sum(size * (size - 1) // 2 for size in sizes):,}")
    print_reencoded(photographs, hashes)
    print_crops(sorted((folder / "crop_224").glob("*.jpg"))[:SAMPLE], photographs, hashes)


def print_pairs(photographs: Sequence[Photograph], hashes: Hashes) -> None:
    """Prints pairs by distance and by whether they show one lesion; a turned copy counts only if it is nearer."""
    upright = {pair[:2]: pair.distance for pair in near_pairs(hashes[:, 0], max_bits=64)}
    counts: Counter[tuple[int, str]] = Counter()
    for (first, second), bits in upright.items():
        counts[bits // 8, "one" if photographs[first].group == photographs[second].group else "two"] += 1
    for (first, second), bits in nearest_turned(hashes, upright).items():
        if photographs[first].group != photographs[second].group:
            counts[bits // 8, "turned"] += 1
    for step in range(8):
        turned = f"{counts[step, 'turned']:4}" if 8 * step < NEAR_BITS else "   -"
        print(f"{8 * step:2} to {8 * step + 7:2}  {counts[step, 'one']:4}  {counts[step, 'two']:4}  {turned}")


def nearest_turned(hashes: Hashes, upright: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Returns the distances of pairs that are nearer with one of the two turned or mirrored, up to `NEAR_BITS`."""
    nearest: dict[tuple[int, int], int] = {}
    for turn in range(1, 8):
        # Each turned photograph against the upright ones, in one table.
        for first, second, bits in near_pairs(np.concatenate([hashes[:, 0], hashes[:, turn]]), max_bits=NEAR_BITS):
            pair = min(first, second - len(hashes)), max(first, second - len(hashes))
            if first < len(hashes) <= second and pair[0] != pair[1] and bits < upright.get(pair, 256):
                nearest[pair] = min(bits, nearest.get(pair, 256))
    return nearest


def print_reencoded(photographs: Sequence[Photograph], hashes: Hashes) -> None:
    """Prints the distances of a sample to smaller JPEGs of themselves, upright and turned."""
    sample = np.random.default_rng(0).choice(len(photographs), SAMPLE, replace=False).tolist()
    print(f"\n{SAMPLE} photographs encoded again: bits that differ (most, within the threshold)")
    for quality, scale in REENCODINGS:
        for turned in (False, True):
            bits = [
                reencoded_bits(photographs[index], hashes[index, 0], number if turned else None, quality, scale)
                for number, index in enumerate(sample)
            ]
            most = NEAR_BITS_TURNED if turned else NEAR_BITS
            within = sum(distance <= most for distance in bits) / len(bits)
            name = f"quality {quality}, sides {scale:g}{', turned' * turned}"
            print(f"{name:34} {max(bits):4}  {within:6.1%} within {most}")


def reencoded_bits(photograph: Photograph, whole: Hashes, turn: int | None, quality: int, scale: float) -> int:
    """Encodes a photograph as a smaller JPEG, turned if `turn` is given, and counts the bits by which it differs."""
    image = Image.open(photograph.uri.removeprefix("file://"))
    image = image if turn is None else image.transpose(TURNS[turn % len(TURNS)])
    file = io.BytesIO()
    image.resize((round(image.width * scale), round(image.height * scale))).save(file, "JPEG", quality=quality)
    pixels = decode(file.getvalue(), SPEC)
    hashes = [perceptual_hash(pixels)] if turn is None else turned_hashes(pixels)
    return min(differing_bits(one, whole) for one in hashes)


def print_crops(crops: Sequence[Path], photographs: Sequence[Photograph], hashes: Hashes) -> None:
    """Prints the smallest and the largest distance of central squares to their photographs."""
    if not crops:
        return
    index_of = {photograph.image_id: index for index, photograph in enumerate(photographs)}
    bits = [
        differing_bits(perceptual_hash(decode(path.read_bytes(), SPEC)), hashes[index_of[path.stem], 0])
        for path in crops
    ]
    print(f"\n{len(crops)} central squares: {min(bits)} to {max(bits)} bits from their photographs")


def differing_bits(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> int:
    """Counts the bits by which two hashes differ."""
    return int(np.bitwise_count(first ^ second).sum())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
