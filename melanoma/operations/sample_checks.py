"""Checks on a sample of the photographs: listing, decoding, and the speed of the network."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from melanoma.images.pixels import Pixels
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.loading import Loaded, load
from melanoma.ingest.sources import Source, list_images, naming
from melanoma.model.bundle import Bundle
from melanoma.model.engine_interface import Engine
from melanoma.operations.checks import Check, Result
from melanoma.shards import Shard
from melanoma.wording import counted

_MAX_LISTED, _MAX_SECONDS, _SAMPLE_SIZE = 50_000, 10.0, 50
_MAX_FAILED = 0.05
_DECODE_THREADS, _TIMED_BATCHES = 8, 3


@dataclass(frozen=True)
class Listed:
    """The result of listing the sources for a limited time.

    Attributes:
        sample: Photographs spread evenly over the listing.
        count: Number of photographs listed, of the shard if there is one.
        is_complete: Whether the listing was completed.
        seconds: Duration of the listing.
    """

    sample: tuple[ImageRef, ...]
    count: int
    is_complete: bool
    seconds: float


class DecodedSample(NamedTuple):
    """The sample after decoding.

    Attributes:
        loaded: Cost and error of each photograph.
        pixels: uint8 (n, height, width, 3), the photographs that could be decoded.
    """

    loaded: list[Loaded]
    pixels: Pixels


def list_sample(sources: Sequence[Source], shard: Shard | None = None) -> Listed:
    """Lists photographs for a limited time, and picks a sample spread evenly over them.

    Args:
        sources: Roots and manifests.
        shard: The share of the photographs that counts; None for all of them.

    Raises:
        UsageError: A root does not exist, a manifest cannot be read, or a store is unknown.
        ReadError: A root cannot be listed.
    """
    began, seen, is_complete = time.monotonic(), list[ImageRef](), True
    for number, ref in enumerate(itertools.chain.from_iterable(map(_list_by_name, sources)), 1):
        if shard is None or shard.has(digest_of(ref.uri, "")):
            seen.append(ref)
        if number >= _MAX_LISTED or time.monotonic() - began > _MAX_SECONDS:
            is_complete = False
            break
    step = max(1, len(seen) // _SAMPLE_SIZE)
    return Listed(tuple(seen[::step][:_SAMPLE_SIZE]), len(seen), is_complete, time.monotonic() - began)


def _list_by_name(source: Source) -> Iterator[ImageRef]:
    with naming(source):
        yield from list_images(source)


def check_listing(listed: Listed, uris: Sequence[str]) -> Check:
    """Reports how many photographs there are and how fast they are listed.

    Args:
        listed: What was listed.
        uris: Its sources, as the user wrote them.
    """
    if not listed.count:
        remedy = "check --images and --pattern, and the permissions of this account"
        return Check("listing", Result.FAIL, f"no photographs in {', '.join(uris)}", remedy)
    rate = listed.count / max(listed.seconds, 1e-6)
    number = counted(listed.count, "photograph")
    count = number if listed.is_complete else f"the first {number}"
    return Check("listing", Result.PASS, f"{count}, {rate:,.0f} per second")


def decode_sample(listed: Listed, bundle: Bundle) -> DecodedSample:
    """Reads and decodes the sample as in a run."""
    with ThreadPoolExecutor(_DECODE_THREADS) as pool:
        decoded = [versions[0] for versions in pool.map(lambda ref: load(ref, [bundle.spec]), listed.sample)]
    pixels = [image for _, image in decoded if image is not None]
    empty = np.zeros((0, bundle.spec.height, bundle.spec.width, 3), np.uint8)
    return DecodedSample([loaded for loaded, _ in decoded], np.stack(pixels) if pixels else empty)


def check_decoding(loaded: Sequence[Loaded]) -> Check:
    """Reports how many photographs of the sample could be decoded."""
    errors = Counter(one.error.kind for one in loaded if one.error is not None)
    good = len(loaded) - errors.total()
    kinds = ", ".join(f"{kind.value} {count}" for kind, count in errors.most_common())
    found = f"{good} of {len(loaded)} photographs decoded" + (f"; {kinds}" if kinds else "")
    if errors and all(kind.is_store_failure for kind in errors) and not good:
        remedy = "the store returned no photographs; check the credentials, the permissions and the network"
        return Check("decoding", Result.STORE, found, remedy)
    if errors.total() > _MAX_FAILED * len(loaded):
        remedy = "look at some of these files; a run writes a row with the reason for each"
        return Check("decoding", Result.WARN if good else Result.FAIL, found, remedy)
    return Check("decoding", Result.PASS, found)


def time_network(engine: Engine, pixels: Pixels) -> float:
    """Measures the speed of a network in full batches.

    Args:
        engine: The network.
        pixels: uint8 (n, height, width, 3), at least one photograph; they are repeated to fill a batch.

    Returns:
        Seconds per photograph in the fastest of three batches.
    """
    batch = np.resize(pixels, (engine.batch_size, *pixels.shape[1:]))
    seconds = []
    for _ in range(_TIMED_BATCHES):
        began = time.perf_counter()
        engine.score(batch)
        seconds.append(time.perf_counter() - began)
    return min(seconds) / engine.batch_size


def check_network(seconds_per_photograph: float, engine: str, views: int = 1) -> Check:
    """Reports the speed of a network whose golden samples match.

    Args:
        seconds_per_photograph: In full batches.
        engine: Version of what runs it.
        views: How many views of each photograph it averages.
    """
    rate = f"{1 / seconds_per_photograph:,.0f} photographs per second in full batches"
    each = f", {views} views of each" if views > 1 else ""
    return Check("network", Result.PASS, f"golden samples match; {rate}{each}, with {engine}")
