"""Photographs that a manifest names, as the store knows them."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.ingest.breaker import Breaker
from melanoma.ingest.listed import OLDER, Listed, is_older, ref_to
from melanoma.ingest.manifests import Manifest, read_manifest
from melanoma.storage import StoredFile

_LOOKUP_THREADS = 16
_ROWS_AT_ONCE = 16 * _LOOKUP_THREADS


def manifest_images(manifest: Manifest, ignored: Counter[str]) -> Iterator[Listed]:
    """Looks up the photographs of a manifest in their stores, in its order, and counts those that it ignores."""
    table, look_up = read_manifest(manifest), partial(_look_up, breaker=Breaker())
    with ThreadPoolExecutor(_LOOKUP_THREADS) as pool:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            columns = batch.to_pydict()
            ids = columns.get("image_id") or [None] * len(batch)
            kept = zip(*(columns[name] for name in manifest.keep), strict=True) if manifest.keep else [()] * len(batch)
            for stored, image_id, values in zip(pool.map(look_up, columns["uri"]), ids, kept, strict=True):
                if is_older(stored, manifest.since):
                    ignored[OLDER] += 1
                else:
                    ref = ref_to(stored, image_id or storage.stem_of(stored.uri), tuple(values))
                    yield Listed(ref, stored.modified)


def _look_up(uri: str, breaker: Breaker) -> StoredFile:
    """Returns the entry of a manifest's photograph; one that cannot be found gets no version and fails in its row.

    Raises:
        NothingCommittedError: The store no longer delivers anything.
    """
    name, began = uri, time.monotonic()
    try:
        name = storage.canonical(uri)  # fails for an archive that does not exist
        found = storage.stat(uri)
    except UsageError:
        return StoredFile(name, "", -1, True)
    except ReadError as error:
        breaker.note(error, time.monotonic() - began)
        return StoredFile(name, "", -1, True)
    breaker.note(None)
    return found


def any_exists(uris: Sequence[str]) -> bool:
    """Tells whether a manifest names any photograph that exists; what a store does not tell counts as existing."""
    if any(_may_exist(uri) for uri in uris[:1]):  # a store that does not answer is asked once
        return True
    with ThreadPoolExecutor(_LOOKUP_THREADS) as pool:
        groups = (uris[start : start + _ROWS_AT_ONCE] for start in range(0, len(uris), _ROWS_AT_ONCE))
        return any(any(pool.map(_may_exist, group)) for group in groups)


def _may_exist(uri: str) -> bool:
    try:
        storage.stat(uri)
    except ReadError as error:
        return error.kind is not ErrorKind.MISSING
    except UsageError:  # in an archive; it fails in its own row
        return True
    return True


def check_stores(uris: Sequence[str]) -> None:
    """Checks one URI of each store that a manifest names, and that no URI holds a key.

    Raises:
        UsageError: A store is unknown or not installed, or a URI holds a key.
    """
    for uri in uris:
        storage.refuse_key(uri)
    for uri in {uri.partition("://")[0]: uri for uri in uris}.values():
        # A faulty archive fails in its own rows.
        with contextlib.suppress(ReadError, *([UsageError] if "::" in uri else [])):
            storage.canonical(uri)
