"""Decodes mutated pictures of every format: each must become a picture or an error of its own, and nothing else.

Half of the time they are decoded within one process, which shows an exception of any other type; the other half as in a
run, which shows what becomes of the rest. Pictures with another outcome are kept.

Usage: `python benchmarks/fuzz_decoders.py [--seconds 60] [--seed 0] [--keep FOLDER] [--result FILE.json]`
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import numpy as np
from mutated_pictures import mutated, pictures

from melanoma.errors import OF_DECODER, ImageError
from melanoma.images.decoder_pool import DecoderPool
from melanoma.images.decoding import DECODER, ImageSpec, decode, read_header
from melanoma.images.headers import UNREADABLE
from melanoma.images.pixels import Pixels

_SPEC = ImageSpec(32, 32)
_MEMORY = 3 * 2**30  # as a decoding process has
_MIB = 2**20

Decoder = Callable[[bytes], Pixels | ImageError]


@dataclass
class Outcomes:
    """What became of the pictures.

    Attributes:
        tried: Number of pictures.
        decoded: Number of them with pixels.
        refused: Number of the others for each kind of error.
        others: What else happened, with the name of the file that is kept.
        slowest_seconds: Longest time for one picture.
        slowest: Name of the picture that took it, before it was mutated.
        peak_mib: Largest resident memory of the process; 0 if it was not measured.
    """

    tried: int = 0
    decoded: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest: str = ""
    peak_mib: int = 0


def main() -> None:
    """Fuzzes, writes the result, and ends with exit code 1 if something else than a picture or an error came."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="time for all pictures (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: %(default)s)")
    parser.add_argument(
        "--keep", type=Path, default=Path("out/fuzz"), help="folder for what went wrong (default: out/fuzz)"
    )
    parser.add_argument("--result", type=Path, help="JSON file for the counts")
    args = parser.parse_args()
    args.keep.mkdir(parents=True, exist_ok=True)
    found = {
        "decoder": DECODER,
        "seed": args.seed,
        "seconds": args.seconds,
        "in one process": asdict(_in_one_process(args.seed, args.seconds / 2, args.keep)),
        "in decoding processes": asdict(_in_decoding_processes(args.seed + 1, args.seconds / 2, args.keep)),
    }
    text = json.dumps(found, indent=1)
    print(text)
    if args.result:
        args.result.write_text(text + "\n")
    sys.exit(any(part["others"] for part in found.values() if isinstance(part, dict)))


def _in_one_process(seed: int, seconds: float, keep: Path) -> Outcomes:
    """Decodes in a process of its own, so that a crash is seen and its memory is measured."""
    current = keep / "current"
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_decode_directly, args=(seed, seconds, keep, current, sender))
    child.start()
    sender.close()
    try:
        outcomes: Outcomes = receiver.recv()
    except EOFError:
        child.join()
        kept = current.rename(keep / f"crash-{seed}")
        return Outcomes(others=[f"the process ended with {child.exitcode}: {kept.name}"])
    child.join()
    return outcomes


def _decode_directly(seed: int, seconds: float, keep: Path, current: Path, sender: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with open(os.devnull, "wb") as silence:
        os.dup2(silence.fileno(), 2)  # libtiff writes a line for every second picture

    file = os.open(current, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def decode_here(data: bytes) -> Pixels | ImageError:
        os.pwrite(file, data, 0)
        os.ftruncate(file, len(data))
        try:
            return decode(data, _SPEC)
        except ImageError as error:
            return error

    outcomes = _fuzz(decode_here, seed, seconds, keep)
    outcomes.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // _MIB
    current.unlink(missing_ok=True)
    sender.send(outcomes)


def _in_decoding_processes(seed: int, seconds: float, keep: Path) -> Outcomes:
    pool = DecoderPool(1)

    def decode_there(data: bytes) -> Pixels | ImageError:
        try:
            header = read_header(data)
        except ImageError as error:
            return error
        return pool.decode(data, header, [_SPEC]).results[0]

    try:
        return _fuzz(decode_there, seed, seconds, keep)
    finally:
        pool.close()


def _fuzz(decode_one: Decoder, seed: int, seconds: float, keep: Path) -> Outcomes:
    random, bases, outcomes = Random(seed), pictures(), Outcomes()
    names = sorted(bases)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = random.choice(names)
        data = mutated(bases[name], bases[random.choice(names)], random)
        began = time.monotonic()
        other = _outcome(decode_one, data, outcomes)
        if (took := time.monotonic() - began) > outcomes.slowest_seconds:
            outcomes.slowest_seconds, outcomes.slowest = round(took, 3), name
        outcomes.tried += 1
        if other:
            path = keep / f"{seed}-{outcomes.tried}"
            path.write_bytes(data)
            outcomes.others.append(f"{other}: {path.name}, {name}")
    return outcomes


def _outcome(decode_one: Decoder, data: bytes, outcomes: Outcomes) -> str:
    """Decodes one picture and counts it; returns what else happened, empty if it became a picture or an error."""
    try:
        result = decode_one(data)
    except Exception as error:  # noqa: BLE001 - an exception of any type is what is looked for
        return type(error).__name__
    if isinstance(result, ImageError):
        outcomes.refused[result.kind] = outcomes.refused.get(result.kind, 0) + 1
        is_foreseen = result.kind not in OF_DECODER and not result.detail.startswith(UNREADABLE)
        return "" if is_foreseen else str(result)
    outcomes.decoded += 1
    is_picture = result.shape == (_SPEC.height, _SPEC.width, 3) and result.dtype == np.uint8
    return "" if is_picture else f"pixels of shape {result.shape}"


if __name__ == "__main__":
    main()
