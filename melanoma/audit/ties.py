"""Ties between classes and sources: a class that a network could tell without looking at the lesion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.tree import DecisionTreeClassifier

from melanoma.audit.sets import Sets
from melanoma.audit.traits import Traits
from melanoma.labels import name_of

MIN_PHOTOGRAPHS = 20  # of a class, for it to count
MARGIN = 0.1  # above the baseline: smaller differences come by chance
_FOLDS, _DEPTH, _LEAF, _BINS = 5, 4, 5, 4
TOGETHER = "all of these together"
STICKER = "coloured sticker"
_MARKED_ALIKE = 0.9  # share of one class among photographs with a mark from which on the mark tells that class
_MAX_CHANCE = 0.001  # of so many by chance


@dataclass(frozen=True)
class Tie:
    """How well one trait predicts the class; the fields are keys of audit.json.

    Attributes:
        trait: What was looked at, such as `picture size`.
        cramers_v: Association with the class, 0 to 1, corrected for chance (Bergsma, "A bias-correction for Cramér's V
            and Tschuprow's T", J. Korean Stat. Soc. 42, 2013); None for several traits together.
        accuracy: Balanced accuracy of telling the class from it alone, cross-validated over lesions or patients.
        baseline: Balanced accuracy of guessing.
        example: A class whose photographs all share a value that is rare elsewhere, or a mark that nearly one class
            alone has, as a sentence; else empty.
    """

    trait: str
    cramers_v: float | None
    accuracy: float
    baseline: float
    example: str

    @property
    def is_found(self) -> bool:
        """Whether the trait tells the class clearly better than guessing, or some photographs of one class."""
        return self.accuracy >= self.baseline + MARGIN or bool(self.example)


def find_ties(sets: Sets, traits: Sequence[Traits | None]) -> list[Tie]:
    """Measures how well the class can be told from traits that are not the lesion's, the most telling first.

    Args:
        sets: The photographs. A set counts as a source where its photographs state none.
        traits: Of each photograph.

    Returns:
        A tie per trait that is not the same everywhere, and one for all of them together; empty if fewer than two
        classes have 20 photographs of five lesions or patients.
    """
    kept = _usable(sets, traits)
    if not kept:
        return []
    labels = np.array([sets.photographs[index].label for index in kept])
    groups = np.array([sets.photographs[index].group for index in kept])
    stated = [sets.photographs[index].source or sets.names[index] for index in kept]
    columns = _columns(stated, [one for index in kept if (one := traits[index])])
    varied = {name: values for name, values in columns.items() if len(set(values)) > 1}
    if not varied:
        return []
    baseline = 1 / len(set(labels.tolist()))
    coded = {name: _coded(values) for name, values in varied.items()}
    ties = [_tie(name, values, coded[name], labels, groups) for name, values in varied.items()]
    together = Tie(TOGETHER, None, _accuracy(list(coded.values()), labels, groups), baseline, "")
    return [together, *sorted(ties, key=lambda tie: -tie.accuracy)]


def _tie(
    name: str,
    values: Sequence[Any],
    code: npt.NDArray[np.float64],
    labels: npt.NDArray[np.str_],
    groups: npt.NDArray[np.str_],
) -> Tie:
    strength, told = _cramers_v(_binned(code), labels), _accuracy([code], labels, groups)
    example = _marked_class(values, labels) if name == STICKER else _example(values, labels)
    return Tie(name, strength, told, 1 / len(set(labels.tolist())), example)


def _usable(sets: Sets, traits: Sequence[Traits | None]) -> list[int]:
    """Returns the indices of photographs with traits, of classes with enough photographs and groups."""
    known = [index for index, photograph in enumerate(sets.photographs) if photograph.label and traits[index]]
    members: dict[str, list[str]] = {}
    for index in known:
        members.setdefault(sets.photographs[index].label, []).append(sets.photographs[index].group)
    large = {label for label, of in members.items() if len(of) >= MIN_PHOTOGRAPHS and len(set(of)) >= _FOLDS}
    return [index for index in known if sets.photographs[index].label in large] if len(large) > 1 else []


def _columns(names: Sequence[str], traits: Sequence[Traits]) -> dict[str, list[Any]]:
    return {
        "source (set)": list(names),
        "picture size": [one.size for one in traits],
        "kind of file": [one.kind for one in traits],
        "dark corners": [one.dark_corners for one in traits],
        STICKER: [STICKER if one.sticker else "no sticker" for one in traits],
        "sharpness": [one.sharpness for one in traits],
        "red cast of the skin": [one.red_cast for one in traits],
        "blue cast of the skin": [one.blue_cast for one in traits],
    }


def _coded(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Returns numbers as they are, and words by how frequent they are, which keeps rare ones together."""
    if not isinstance(values[0], str):
        return np.array(values, np.float64)
    order = {word: place for place, (word, _) in enumerate(Counter(values).most_common())}
    return np.array([order[word] for word in values], np.float64)


def _binned(code: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    if len(np.unique(code)) <= 2 * _BINS:
        return np.unique(code, return_inverse=True)[1].astype(np.int64)
    return np.searchsorted(np.quantile(code, np.linspace(0, 1, _BINS + 1)[1:-1]), code).astype(np.int64)


def _cramers_v(bins: npt.NDArray[np.int64], labels: npt.NDArray[np.str_]) -> float:
    """Returns the bias-corrected Cramér's V of a trait and the classes, 0 to 1."""
    n, classes = len(labels), np.unique(labels, return_inverse=True)[1]
    table = np.zeros((bins.max() + 1, classes.max() + 1))
    np.add.at(table, (bins, classes), 1)
    table = table[table.sum(axis=1) > 0]
    rows, columns = table.shape
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = max(0.0, float(((table - expected) ** 2 / expected).sum() / n) - (rows - 1) * (columns - 1) / (n - 1))
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(phi / smaller)) if smaller > 0 else 0.0


def _accuracy(
    columns: Sequence[npt.NDArray[np.float64]], labels: npt.NDArray[np.str_], groups: npt.NDArray[np.str_]
) -> float:
    """Returns the balanced accuracy of a small decision tree on lesions or patients that it has not seen."""
    features, told = np.stack(columns, axis=1), labels.copy()
    for rest, fold in StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0).split(features, labels, groups):
        tree = DecisionTreeClassifier(max_depth=_DEPTH, min_samples_leaf=_LEAF, class_weight="balanced", random_state=0)
        told[fold] = tree.fit(features[rest], labels[rest]).predict(features[fold])
    return float(np.mean([(told[labels == label] == label).mean() for label in np.unique(labels)]))


def _example(values: Sequence[Any], labels: npt.NDArray[np.str_]) -> str:
    """Returns a class whose photographs all have one value that at most half of the others have."""
    if not isinstance(values[0], str | int):
        return ""
    stated = np.array([str(value) for value in values])
    for label in np.unique(labels):
        members = labels == label
        only = stated[members][0]
        if (stated[members] == only).all() and (stated[~members] == only).mean() <= 0.5:
            return f"every photograph of {name_of(str(label)).lower()} has {only}"
    return ""


def _marked_class(values: Sequence[str], labels: npt.NDArray[np.str_]) -> str:
    """Returns the class that nearly all photographs with a mark show, if that is more than chance."""
    marked = labels[np.array(values) == STICKER]
    if len(marked) < MIN_PHOTOGRAPHS:
        return ""
    label, count = Counter(marked.tolist()).most_common(1)[0]
    chance = binomtest(count, len(marked), float((labels == label).mean()), alternative="greater").pvalue
    if count < _MARKED_ALIKE * len(marked) or chance > _MAX_CHANCE:
        return ""
    return f"{count} of {len(marked)} photographs with a {STICKER} show {name_of(str(label)).lower()}"


def tie_lines(ties: Sequence[Tie]) -> list[str]:
    """Returns the ties as lines of text; empty if no trait predicts the class."""
    found = [tie for tie in ties if tie.is_found]
    if not found:
        return []
    head = "class and source are tied: the class can be told without the lesion, on lesions or patients not seen before"
    return [head, *(f"  {_words(tie)}" for tie in found)]


def _words(tie: Tie) -> str:
    strength = "" if tie.cramers_v is None else f", Cramér's V {tie.cramers_v:.2f}"
    example = f"; {tie.example}" if tie.example else ""
    return f"{tie.trait}: balanced accuracy {tie.accuracy:.2f}, guessing {tie.baseline:.2f}{strength}{example}"


def tie_values(ties: Sequence[Tie]) -> list[Mapping[str, Any]]:
    """Returns the ties as JSON values."""
    return [{**vars(tie), "found": tie.is_found} for tie in ties]
