"""Values of a column as few subgroups: ages in bands, other numbers in quarters, texts as they are."""

from collections.abc import Sequence

import numpy as np

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.predictions import Names

UNKNOWN = "unknown"
_AGES = (30, 45, 60, 75)
_AGE_COLUMNS = ("age", "age_approx", "age_years")
_MOST_NUMBERS, _MOST_TEXTS = 12, 40


def banded(name: str, values: Sequence[str]) -> Names:
    """Names the subgroup of each photograph.

    Args:
        name: Of the column; ages are known by it.
        values: Texts, empty where unknown.

    Returns:
        Text (n,): the value itself; "unknown" for an empty one; for a column of more than 12 different numbers its
        band, 0-29, 30-44, 45-59, 60-74, 75+ for ages, quarters for anything else.

    Raises:
        UsageError: There are more than 40 different texts, too many to tell apart.
    """
    different = set(values) - {""}
    numbers = _numbers(different)
    if numbers is None:
        if len(different) > _MOST_TEXTS:
            raise UsageError(f"--by {name}: {len(different)} different values, at most {_MOST_TEXTS} make subgroups")
        return np.array([value or UNKNOWN for value in values])
    if name.lower() in _AGE_COLUMNS:
        edges = list(map(float, _AGES))
    elif len(different) > _MOST_NUMBERS:
        edges = np.unique(np.quantile([numbers[value] for value in values if value], [0.25, 0.5, 0.75])).tolist()
    else:
        return np.array([f"{numbers[value]:g}" if value else UNKNOWN for value in values])
    return np.array([_band(numbers[value], edges) if value else UNKNOWN for value in values])


def _numbers(texts: set[str]) -> dict[str, float] | None:
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return None
    return numbers if texts and np.isfinite(list(numbers.values())).all() else None


def _band(value: float, edges: Sequence[float]) -> str:
    place = int(np.searchsorted(edges, value, side="right"))
    if place == len(edges):
        return f"{edges[-1]:g}+"
    if all(edge.is_integer() for edge in edges):
        return f"{edges[place - 1] if place else 0:g}-{edges[place] - 1:g}"
    return f"{edges[place - 1]:g} to below {edges[place]:g}" if place else f"below {edges[0]:g}"
