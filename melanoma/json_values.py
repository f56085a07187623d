"""Values of a JSON document that nobody vouches for: each of its type and in its range, or a `ValueError` says why."""

import json
from collections.abc import Collection
from typing import Any, TypeVar

LARGEST = 1e6  # of any number: far inside what 32 bits hold
_T = TypeVar("_T")


def typed(kind: type[_T], value: Any, name: str, length: int | None = None) -> _T:
    """Gives a value back if it has its JSON type and, for a list, its length."""
    if type(value) is kind and length in (None, len(value) if isinstance(value, list) else None):
        return value
    expected = f"{kind.__name__} of {length}" if length else kind.__name__
    raise ValueError(f"{name} is {value!r:.60}, expected a {expected}")


def number(value: Any, name: str, low: float = -LARGEST, high: float = LARGEST) -> float:
    """Gives a number back if it lies in its range."""
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r:.60}, expected a number from {low:g} to {high:g}")
    return float(value)


def shares(value: Any, name: str, keys: Collection[str]) -> dict[str, float]:
    """Gives numbers from 0 to 1 for exactly these keys, in their order."""
    stated = typed(dict, value, name)
    if stated.keys() != set(keys):
        raise ValueError(f"{name} for {few(stated.keys())}, expected {few(keys)}")
    return {key: number(stated[key], f"{name} of {key}", 0.0, 1.0) for key in keys}


def few(names: Collection[str]) -> str:
    """Quotes some names for an error, and counts those beyond the fifth."""
    return ", ".join(map(repr, sorted(names)[:5])) + ("" if len(names) <= 5 else f" and {len(names) - 5} more")


def to_json(document: object, indent: int | None = 2) -> bytes:
    """Spells a document so that equal documents are equal bytes."""
    return (json.dumps(document, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False) + "\n").encode()
