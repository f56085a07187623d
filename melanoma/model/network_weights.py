"""Scans the weight file of a network: it must hold plain arrays of numbers, each stored under exactly one name."""

import io
import math
from typing import Any

import h5py

from melanoma.model.network_archive import WEIGHTS, require

_MAX_OBJECTS = 20_000  # NASNetMobile has 2,670
_MAX_NUMBER_BYTES = 8


def count_parameters(weights: bytes) -> int:
    """Counts the numbers of a weight file in which each object is a group or a plain array.

    Args:
        weights: An HDF5 file as Keras 3 writes it.

    Returns:
        The number of values in all arrays but those of an optimizer.

    Raises:
        BundleError: The file holds anything else, names an object twice, or claims more bytes than it has.
    """
    numbers, stored = 0, 0
    with h5py.File(io.BytesIO(weights), "r") as file:
        pending, seen = [file["/"]], set[int]()
        while pending:
            group = pending.pop()
            few = len(seen) + len(group) <= _MAX_OBJECTS
            require(few, f"{WEIGHTS} holds too many objects", f"at most {_MAX_OBJECTS:,}")
            for name in group:
                item = _checked_item(group, name, seen)
                if isinstance(item, h5py.Group):
                    pending.append(item)
                    continue
                stored += item.nbytes
                numbers += item.size if "optimizer" not in item.name.split("/") else 0
    require(stored <= len(weights), f"{WEIGHTS} claims {stored:,} bytes", f"at most its {len(weights):,}")
    return numbers


def _checked_item(group: Any, name: str, seen: set[int]) -> Any:
    """Returns a group or plain array that lies in the file and has not been seen yet; adds its address to `seen`."""
    where = f"{WEIGHTS} at {name!a:.40} in {group.name!a:.80}"
    inside = "/" not in name and isinstance(group.get(name, getlink=True), h5py.HardLink)
    require(inside, f"{where} points elsewhere", "weights that lie here")
    item = group[name]
    address = h5py.h5o.get_info(item.id).addr
    require(address not in seen, f"{where} names an object again", "one name for each object")
    seen.add(address)
    is_expected = isinstance(item, h5py.Group) or _is_plain_array(item)
    require(is_expected, f"{where} is not a plain array", "numbers, stored whole")
    return item


def _is_plain_array(item: Any) -> bool:
    """Whether an object is numbers that lie in the file as declared: no filter, no other file."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or len(item.attrs):
        return False
    plan, number = item.id.get_create_plist(), item.dtype
    inside = plan.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not plan.get_external_count()
    whole = item.id.get_storage_size() == math.prod(item.shape) * number.itemsize
    return inside and whole and number.kind in "fiub" and number.itemsize <= _MAX_NUMBER_BYTES
