"""Checks the values of an untrusted JSON document: type and range, or a `ValueError` that names the value."""

import json
from collections.abc import Collection
from typing import Any, TypeVar

LARGEST = 1e6  # bound of every number: well inside the range of 32-bit floats
# What code raises that was written for a sound document and gets a damaged one.
DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_T = TypeVar("_T")


def parsed(data: bytes | str) -> Any:
    """Reads a JSON document.

    Raises:
        ValueError: It is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("the JSON document is nested too deeply") from None


def typed(kind: type[_T], value: Any, name: str, length: int | None = None) -> _T:
    """Returns the value if it has the given JSON type and, for a list, the given length.

    Raises:
        ValueError: The type or the length differs.
    """
    if type(value) is kind and length in (None, len(value) if isinstance(value, list) else None):
        return value
    expected = f"{kind.__name__} of {length}" if length else kind.__name__
    raise ValueError(f"{name} is {value!r:.60}, expected a {expected}")


def number(value: Any, name: str, low: float = -LARGEST, high: float = LARGEST) -> float:
    """Returns an int or float as a float if it lies within a range.

    Raises:
        ValueError: It is not a number, or lies outside the range.
    """
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r:.60}, expected a number from {low:g} to {high:g}")
    return float(value)


def shares(value: Any, name: str, keys: Collection[str]) -> dict[str, float]:
    """Returns numbers from 0 to 1 for exactly the given keys, in the order of `keys`.

    Raises:
        ValueError: The value is not an object, has other keys, or a number lies outside the range.
    """
    stated = typed(dict, value, name)
    if stated.keys() != set(keys):
        raise ValueError(f"{name} has the keys {few(stated.keys())}, expected {few(keys)}")
    return {key: number(stated[key], f"{name}.{key}", 0.0, 1.0) for key in keys}


def few(names: Collection[str]) -> str:
    """Quotes up to five names in order for an error message, and counts the rest."""
    return (", ".join(map(repr, sorted(names)[:5])) or "none") + (
        "" if len(names) <= 5 else f" and {len(names) - 5} more"
    )


def to_json(document: object, indent: int | None = 2) -> bytes:
    """Serialises a document so that equal documents give equal bytes: sorted keys, UTF-8, a final newline."""
    return (json.dumps(document, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False) + "\n").encode()
