"""Pairs the predictions of two models, runs or runners for the same photographs."""

from dataclasses import dataclass

from melanoma.errors import DataError
from melanoma.evaluation.inputs.table_predictions import TablePredictions


@dataclass(frozen=True)
class PredictionPair:
    """Two predictions for each of the same photographs, in the same order and over the same classes.

    Attributes:
        old: The predictions of the first side.
        new: Those of the second side.
        common: Classes that both models know; they are the first ones of `old.slugs` and `new.slugs`.
        only_old: Number of photographs that only the first side has.
        only_new: Number of photographs that only the second side has.
        other_bytes: Number of ids that both sides have with different contents; they are left out.
    """

    old: TablePredictions
    new: TablePredictions
    common: tuple[str, ...]
    only_old: int
    only_new: int
    other_bytes: int


def pair_predictions(old: TablePredictions, new: TablePredictions) -> PredictionPair:
    """Pairs predictions by the ids of the photographs.

    A class that only one model knows has probability 0 on the other side.

    Raises:
        DataError: The two sides have no photograph or no class in common.
    """
    new_index = {image_id: index for index, image_id in enumerate(new.image_ids)}
    both = [(index, new_index[image_id]) for index, image_id in enumerate(old.image_ids) if image_id in new_index]
    same = [(i, j) for i, j in both if not old.sha256[i] or not new.sha256[j] or old.sha256[i] == new.sha256[j]]
    common = tuple(slug for slug in old.slugs if slug in new.slugs)
    if not same or not common:
        lacking = "class" if same else "photograph"
        raise DataError(f"{old.model_id} in {old.table} and {new.model_id} in {new.table} have no {lacking} in common")
    slugs = (*common, *(slug for slug in (*old.slugs, *new.slugs) if slug not in common))
    return PredictionPair(
        old=old.take([i for i, _ in same], slugs),
        new=new.take([j for _, j in same], slugs),
        common=common,
        only_old=len(old.image_ids) - len(both),
        only_new=len(new.image_ids) - len(both),
        other_bytes=len(both) - len(same),
    )
