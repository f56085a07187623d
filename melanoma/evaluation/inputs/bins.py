"""Groups the values of a column into a few subgroups: ages in bands, other numbers in quarters, texts as they are."""

import re
from collections.abc import Sequence

import numpy as np

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.predictions import Names
from melanoma.labels import stated_group

UNKNOWN = "unknown"
_AGE_EDGES = (30.0, 45.0, 60.0, 75.0)
_AGE_COLUMNS = ("age", "age_approx", "age_years")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d{1,2}")
_MAX_NUMBERS, _MAX_TEXTS = 12, 40


def bin_values(name: str, values: Sequence[str]) -> Names:
    """Returns the subgroup of each photograph.

    Args:
        name: The column; ages are recognised by it.
        values: Text per photograph, empty if unknown.

    Returns:
        Text (n,): the value itself, or `unknown` for an empty one, and among numbers for one such as `nan`. Numbers of
        an age column become the bands 0-29, 30-44, 45-59, 60-74 and 75+. Numbers of any other column with more than 12
        different values become quarters.

    Raises:
        UsageError: The column has more than 40 different texts, too many to compare.
    """
    different = set(values) - {""}
    numbers = _numbers(different)
    if numbers is None:
        if len(different) > _MAX_TEXTS:
            raise UsageError(
                f"--by {name}: {len(different)} different values, at most {_MAX_TEXTS} can be compared; name a column "
                "with fewer values"
            )
        return np.array([value or UNKNOWN for value in values])
    edges = _edges(name, [numbers[value] for value in values if value in numbers], len(numbers))
    names = {text: _band(number, edges) if edges else f"{number:g}" for text, number in numbers.items()}
    return np.array([names.get(value, UNKNOWN) for value in values])


def _edges(name: str, numbers: Sequence[float], different: int) -> list[float]:
    """Returns the lower ends of all bins but the first; empty if each number is a subgroup by itself."""
    if name.lower() in _AGE_COLUMNS:
        return list(_AGE_EDGES)
    if different <= _MAX_NUMBERS:
        return []
    return [float(edge) for edge in np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))]


def _numbers(texts: set[str]) -> dict[str, float] | None:
    """Returns the texts as numbers, without words such as `nan`; None unless all others are finite numbers."""
    try:
        numbers = {text: float(_with_point(text)) for text in texts if stated_group(text)}
    except ValueError:
        return None
    return numbers if numbers and np.isfinite(list(numbers.values())).all() else None


def _with_point(number: str) -> str:
    """Returns a number with a point in place of a decimal comma; one with three digits behind it may be thousands."""
    return number.replace(",", ".") if _DECIMAL_COMMA.fullmatch(number) else number


def _band(value: float, edges: Sequence[float]) -> str:
    index = int(np.searchsorted(edges, value, side="right"))
    if index == len(edges):
        return f"{edges[-1]:g}+"
    if all(edge.is_integer() for edge in edges):
        return f"{edges[index - 1] if index else 0:g}-{edges[index] - 1:g}"
    return f"{edges[index - 1]:g} to below {edges[index]:g}" if index else f"below {edges[0]:g}"
