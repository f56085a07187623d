"""Splits photographs into parts by lesion or patient."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from melanoma.datasets.existing_splits import ExistingSplit, follow_split
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import TEST, TRAIN, VALIDATION
from melanoma.errors import DataError, UsageError

_MAX_FOLDS = 20


def split(
    photographs: Sequence[Photograph],
    validation: float,
    test: float,
    seed: int,
    existing: ExistingSplit | None = None,
    stated_groups: Sequence[str] | None = None,
) -> npt.NDArray[np.str_]:
    """Splits by group, with similar class shares in every part: no lesion is in two parts.

    A class with fewer groups than the split has folds cannot be in every part; it goes to training with its groups.
    Photographs whose folder states a part stay in it. If no folder is named like validation, or none like test, that
    part is taken from the training part.

    Args:
        photographs: Cleaned photographs.
        validation: Share of the photographs, above 0; a whole number of folds.
        test: Share of the photographs, above 0; a whole number of folds.
        seed: Seed of the shuffle.
        existing: A split to follow; only photographs that it does not list are split.
        stated_groups: See `follow_split`.

    Returns:
        Array (photographs,) with the part of each photograph: `train`, `validation` or `test`.

    Raises:
        DataError: Fewer than two classes are large enough to be split.
        UsageError: The shares are not a whole number of at most 20 folds, or leave nothing for training.
    """
    folds = _num_folds(validation, test)
    held_out = {TEST: round(test * folds), VALIDATION: round(validation * folds)}
    by_folder = any(photograph.part for photograph in photographs)
    parts = follow_split(photographs, existing or ExistingSplit(), stated_groups)
    undecided = parts == ""
    parts[undecided] = TRAIN
    chosen = _splittable(photographs, undecided, folds)
    if len(chosen.indices) or not (existing or by_folder):
        _hold_out(photographs, parts, chosen, held_out, folds, seed)
    absent = {part: count for part, count in held_out.items() if part not in parts}
    if by_folder and absent and TRAIN in parts:  # folders often have no validation part, which training needs
        _hold_out(photographs, parts, _splittable(photographs, parts == TRAIN, folds), absent, folds, seed)
    return parts


class _Splittable(NamedTuple):
    """Indices of the photographs to split, and the number of groups of each class among those considered."""

    indices: npt.NDArray[np.int64]
    groups_of: dict[str, int]


def _splittable(photographs: Sequence[Photograph], considered: npt.NDArray[np.bool_], folds: int) -> _Splittable:
    """Returns the considered photographs, a bool (photographs,), without the groups of classes with too few groups."""
    labels = np.array([photograph.label for photograph in photographs])
    groups = np.array([photograph.group for photograph in photographs])
    groups_of = {label: len(set(groups[considered & (labels == label)])) for label in sorted(set(labels.tolist()))}
    small = [label for label, count in groups_of.items() if count < folds]
    indices = np.flatnonzero(considered & ~np.isin(groups, groups[np.isin(labels, small)]))
    return _Splittable(indices, groups_of)


def _hold_out(
    photographs: Sequence[Photograph],
    parts: npt.NDArray[np.str_],
    chosen: _Splittable,
    held_out: Mapping[str, int],
    folds: int,
    seed: int,
) -> None:
    """Moves some of the chosen photographs to other parts, by group and with similar class shares.

    Args:
        photographs: All photographs.
        parts: The part of each, changed in place.
        chosen: Those that may be moved.
        held_out: Number of folds that go to each part.
        folds: Number of all folds.
        seed: Seed of the shuffle.
    """
    labels = np.array([photographs[index].label for index in chosen.indices])
    groups = np.array([photographs[index].group for index in chosen.indices])
    if len(set(labels.tolist())) < 2:
        found = ", ".join(f"{label} {count}" for label, count in chosen.groups_of.items()) or "none"
        raise DataError(
            f"lesions by class after cleaning: {found}; expected at least {folds} in each of 2 classes, add photographs"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    targets = [part for part, count in held_out.items() for _ in range(count)]
    for part, (_, fold) in zip(targets, splitter.split(chosen.indices, labels, groups), strict=False):
        parts[chosen.indices[fold]] = part


def _num_folds(validation: float, test: float) -> int:
    """Returns the smallest number of folds for which both shares are whole numbers of folds."""
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise UsageError(
            f"shares {validation:g} for validation and {test:g} for test leave a part empty; "
            "expected both above 0 and their sum below 1"
        )
    for folds in range(2, _MAX_FOLDS + 1):
        if all(abs(share * folds - round(share * folds)) < 1e-6 for share in (validation, test)):
            return folds
    raise UsageError(
        f"shares {validation:g} for validation and {test:g} for test are not whole numbers of at most {_MAX_FOLDS} "
        "folds; try 0.2 and 0.2"
    )
