"""Checks the values of records and of the series of runs, which others may have damaged: a value, or a `ValueError`."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from melanoma.json_values import number, typed
from melanoma.model.reference_distribution import TOP_LABEL, check_reference

MOST = 1e15  # of every number in a record: photographs, bytes, seconds


def whole(value: Any, name: str) -> int:
    """Returns a whole number from 0 on.

    Raises:
        ValueError: It is another value.
    """
    number(typed(int, value, name), name, 0.0, MOST)
    return int(value)


def amount(value: Any, name: str) -> float:
    """Returns a number from 0 on; raises `ValueError` for another value."""
    number(value, name, 0.0, MOST)
    return value  # type: ignore[no-any-return] # as it is: a record is written again as it was read


def text(value: Any, name: str) -> str:
    """Returns a text; raises `ValueError` for another value."""
    return typed(str, value, name)


def date(value: Any, name: str) -> str:
    """Returns a date in ISO form; raises `ValueError` for another value."""
    datetime.date.fromisoformat(typed(str, value, name))
    return str(value)


def optional(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Returns a check that lets None pass as well."""
    return lambda value, name: None if value is None else check(value, name)


def numbers(value: Any, name: str) -> dict[str, int]:
    """Returns whole numbers by name; raises `ValueError` for another value."""
    return {key: whole(found, f"{name}.{key}") for key, found in typed(dict, value, name).items()}


def texts(value: Any, name: str) -> tuple[str, ...]:
    """Returns texts; raises `ValueError` for another value."""
    return tuple(text(found, name) for found in typed(list, value, name))


def distribution(value: Any, name: str) -> dict[str, Any]:
    """Returns the distribution of a run's predictions, or the empty one; raises `ValueError` for another value."""
    found = typed(dict, value, name)
    check_reference(found, list(typed(dict, found.get(TOP_LABEL, {}), name)))
    return found


def mapping(value: Any, name: str) -> dict[str, Any]:
    """Returns a JSON object; raises `ValueError` for another value."""
    return typed(dict, value, name)


def checked(document: Any, checks: Mapping[str, Callable[[Any, str], Any]], name: str) -> dict[str, Any]:
    """Returns those values of a JSON object for which there is a check, checked.

    Args:
        document: The JSON object, which may hold more or less.
        checks: The check of each value; it returns the value or raises `ValueError`.
        name: Name of the object, for messages.

    Raises:
        ValueError: It is not an object, or a value fails its check.
    """
    found = typed(dict, document, name)
    return {key: check(found[key], f"{name}.{key}") for key, check in checks.items() if key in found}
