"""Picks one row per photograph from the scored rows of a score table."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class OneRowEach:
    """One row per image id.

    Attributes:
        rows: The newest row of each id, sorted by id.
        ambiguous: Ids that photographs of different content share; `rows` has none of them.
    """

    rows: pa.Table
    ambiguous: frozenset[str]


def newest_by_uri(rows: pa.Table) -> pa.Table:
    """Returns the newest row of each photograph, by the columns `image_uri` and `scored_at`."""
    ordered = rows.sort_by([("image_uri", "ascending"), ("scored_at", "descending")])
    return ordered.filter(_is_first(ordered["image_uri"]))


def one_row_each(rows: pa.Table) -> OneRowEach:
    """Returns the newest row of each `image_id`.

    An id whose rows have different contents is ambiguous: it is unknown which of the photographs its label belongs to.
    """
    contents: dict[str, set[str]] = {}
    for image_id, sha256, uri in zip(
        *(rows[name].to_pylist() for name in ("image_id", "image_sha256", "image_uri")), strict=True
    ):
        contents.setdefault(image_id, set()).add(sha256 or uri)
    unique = [image_id for image_id, found in contents.items() if len(found) == 1]
    kept = rows.filter(pc.is_in(rows["image_id"], pa.array(unique, pa.string())))
    ordered = kept.sort_by([("image_id", "ascending"), ("scored_at", "descending")])
    newest = ordered.filter(_is_first(ordered["image_id"])) if unique else ordered
    return OneRowEach(newest, frozenset(contents.keys() - set(unique)))


def _is_first(values: pa.ChunkedArray) -> pa.Array:
    """Returns whether each value of a sorted, non-empty column differs from the one before it."""
    changed = np.asarray(pc.not_equal(values.slice(1), values.slice(0, len(values) - 1)))
    return pa.array(np.append(True, changed))
