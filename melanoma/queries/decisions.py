"""Why a row has its `top_label`: its probabilities, and what the model's decision rule makes of them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from melanoma import storage
from melanoma.errors import BundleError, ReadError
from melanoma.model.bundle_search import find_bundle, list_bundles
from melanoma.model.decision import RAREST
from melanoma.model.description import DESCRIPTION, Description, read_description
from melanoma.table.schema import PARTITION, PROBABILITY_PREFIX


class Probability(NamedTuple):
    """The probability of one class, 0 to 1.

    Attributes:
        slug: Slug of the class.
        value: Its probability.
    """

    slug: str
    value: float


class Weighed(NamedTuple):
    """What the decision rule `balanced` makes of one class.

    Attributes:
        slug: Slug of the class.
        probability: Its probability, 0 to 1.
        prior: Its share in the prior of the model, 0 to 1.
        divisor: What the probability is divided by: the prior, or 1 for a class rarer than 1 in 200.
        quotient: The result; the class with the largest one is the `top_label`.
    """

    slug: str
    probability: float
    prior: float
    divisor: float
    quotient: float


def most_likely_classes(row: Mapping[str, Any], count: int | None = 3) -> list[Probability]:
    """Returns the most probable classes of a scored row, highest first; all of them for None."""
    values = [
        Probability(name.removeprefix(PROBABILITY_PREFIX), value)
        for name, value in row.items()
        if name.startswith(PROBABILITY_PREFIX) and value is not None
    ]
    return sorted(values, key=lambda probability: -probability.value)[:count]


def differs_from_largest(row: Mapping[str, Any]) -> bool:
    """Tells whether the `top_label` of a row is another class than the one with the largest probability."""
    classes = most_likely_classes(row, 1)
    return bool(classes) and row["top_label"] is not None and row["top_label"] != classes[0].slug


def weighed_classes(row: Mapping[str, Any], rule: Description, count: int = 3) -> list[Weighed]:
    """Returns the classes with the largest quotients, and the one with the largest probability.

    Args:
        row: A scored row of the model.
        rule: What the model's bundle states.
        count: Number of classes with the largest quotients.
    """
    priors = dict(zip(rule.slugs, rule.prior, strict=True))
    weighed = []
    for slug, value in most_likely_classes(row, None):
        divisor = priors[slug] if priors[slug] >= RAREST and rule.decision_rule == "balanced" else 1.0
        weighed.append(Weighed(slug, value, priors[slug], divisor, value / divisor))
    ranked = sorted(weighed, key=lambda entry: -entry.quotient)
    return [*ranked[:count], *(entry for entry in weighed[:1] if entry not in ranked[:count])]


def rules_of(models: Iterable[str], bundles: Iterable[str]) -> dict[str, Description]:
    """Finds what the bundles of some models state, by the ids of the models; reads no network.

    Args:
        models: Ids of the models.
        bundles: URIs or names of bundles to look at first; then those on the search path.

    Raises:
        BundleError: One of `bundles` cannot be read.
        ReadError: A store does not answer.
    """
    wanted = set(models)
    stated = [_described(place) for place in bundles]
    rest = wanted - {rule.model_id for rule in stated}
    listed = [found.description for found in _listed() if found.description is not None] if rest else []
    return {rule.model_id: rule for rule in reversed([*stated, *listed]) if rule.model_id in wanted}


def _described(place: str) -> Description:
    try:
        uri = find_bundle(place)
        return read_description(storage.read_bytes(storage.join(storage.canonical(uri), DESCRIPTION)))
    except ReadError as error:
        raise BundleError(f"--bundle {place}: {error.detail}; give the folder or the name of a bundle") from None
    except BundleError as error:
        raise BundleError(f"--bundle {place}: {error}") from None


def _listed() -> Any:
    try:
        return list(list_bundles())
    except (BundleError, ReadError):  # an answer without the numbers is better than none
        return []


def models_in(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the models whose rows need an explanation, each once."""
    return list(dict.fromkeys(str(row[PARTITION]) for row in rows if differs_from_largest(row)))
