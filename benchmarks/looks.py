"""How far perceptual hashes of one photograph and of two lesions lie apart, on HAM10000.

    python benchmarks/looks.py HAM10000

HAM10000 holds metadata.csv, images/ and maybe crop_224/, the centres of some of them.
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

SEEN = ImageSpec(64, 64)
DRAWN = 500
TURNS = list(Image.Transpose)
STORED = ((90, 1.0), (70, 0.7), (50, 0.5))


def main(folder: Path) -> None:
    """Prints all tables that docs/models/audit.md shows."""
    columns = Columns("image_id", "dx", "lesion_id")
    photographs, _ = read_table(str(folder / "metadata.csv"), columns, [str(folder / "images")])
    hashes = hash_photographs(photographs, turned=True).hashes
    print(f"HAM10000, {len(photographs):,} photographs\n\nbits  one lesion  two lesions  two lesions, one turned")
    show_pairs(photographs, hashes)
    sizes = Counter(photograph.group for photograph in photographs).values()
    print(f"pairs of one lesion in all: {sum(size * (size - 1) // 2 for size in sizes):,}")
    dice = np.random.default_rng(0)
    drawn = dice.choice(len(photographs), DRAWN, replace=False).tolist()
    print(f"\n{DRAWN} photographs stored again: bits that differ (most, within the threshold)")
    for quality, scale in STORED:
        for turned in (False, True):
            bits = [stored_bits(photographs[i], hashes[i, 0], n, quality, scale, turned) for n, i in enumerate(drawn)]
            tell(
                f"quality {quality}, sides {scale:g}{', turned' * turned}",
                bits,
                NEAR_BITS_TURNED if turned else NEAR_BITS,
            )
    crops = sorted((folder / "crop_224").glob("*.jpg"))[:DRAWN]
    if crops:
        index_of = {photograph.image_id: index for index, photograph in enumerate(photographs)}
        cropped = [perceptual_hash(decode(path.read_bytes(), SEEN)) for path in crops]
        wholes = [hashes[index_of[path.stem], 0] for path in crops]
        bits = [differing(crop, whole) for crop, whole in zip(cropped, wholes, strict=True)]
        print(f"\n{len(crops)} centre crops: {min(bits)} to {max(bits)} bits from their photographs")


def show_pairs(photographs: Sequence[Photograph], hashes: Hashes) -> None:
    """Counts pairs by distance and by whether they show one lesion; a turned look counts where it is the nearer."""
    upright = {pair[:2]: pair.distance for pair in near_pairs(hashes[:, 0], max_bits=64)}
    counts: Counter[tuple[int, str]] = Counter()
    for (first, second), bits in upright.items():
        counts[bits // 8, "one" if photographs[first].group == photographs[second].group else "two"] += 1
    nearest: dict[tuple[int, int], int] = {}
    for turn in range(1, 8):
        # Each turned photograph against the upright ones, in one table.
        for first, second, bits in near_pairs(np.concatenate([hashes[:, 0], hashes[:, turn]]), max_bits=NEAR_BITS):
            pair = min(first, second - len(hashes)), max(first, second - len(hashes))
            if first < len(hashes) <= second and pair[0] != pair[1] and bits < upright.get(pair, 256):
                nearest[pair] = min(bits, nearest.get(pair, 256))
    for (first, second), bits in nearest.items():
        if photographs[first].group != photographs[second].group:
            counts[bits // 8, "turned"] += 1
    for step in range(8):
        turned = f"{counts[step, 'turned']:4}" if 8 * step < NEAR_BITS else "   -"
        print(f"{8 * step:2} to {8 * step + 7:2}  {counts[step, 'one']:4}  {counts[step, 'two']:4}  {turned}")


def stored_bits(photograph: Photograph, whole: Hashes, turn: int, quality: int, scale: float, turned: bool) -> int:
    """Stores a photograph again as JPEG, smaller and maybe turned, and counts the bits by which it differs."""
    image = Image.open(photograph.uri.removeprefix("file://"))
    image = image.transpose(TURNS[turn % len(TURNS)]) if turned else image
    file = io.BytesIO()
    image.resize((round(image.width * scale), round(image.height * scale))).save(file, "JPEG", quality=quality)
    pixels = decode(file.getvalue(), SEEN)
    return min(differing(one, whole) for one in (turned_hashes(pixels) if turned else [perceptual_hash(pixels)]))


def differing(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> int:
    """Counts the bits by which two hashes differ."""
    return int(np.bitwise_count(first ^ second).sum())


def tell(what: str, bits: Sequence[int], most: int) -> None:
    """Prints the largest distance and the share within the threshold."""
    print(f"{what:34} {max(bits):4}  {sum(bit <= most for bit in bits) / len(bits):6.1%} within {most}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
