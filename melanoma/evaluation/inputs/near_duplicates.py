"""Scored photographs that look like a training photograph, though their bytes and names differ."""

from collections.abc import Sequence
from dataclasses import replace

from melanoma import storage
from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import near_others
from melanoma.datasets.folders import images_below
from melanoma.datasets.photographs import Photograph
from melanoma.errors import DataError
from melanoma.evaluation.inputs.table_predictions import TablePredictions
from melanoma.evaluation.inputs.training_set import TrainingSet


def with_near_duplicates(
    training_set: TrainingSet, folders: Sequence[str], table: TablePredictions, wanted: Sequence[str]
) -> TrainingSet:
    """Adds the photographs that look like a training photograph, as it is, turned by right angles or mirrored.

    Args:
        training_set: What the model was trained on.
        folders: Folders with the training photographs; files that the training set does not name are ignored.
        table: The predictions, with the URIs of the photographs.
        wanted: Ids of the photographs to look at.

    Raises:
        DataError: A folder has no photograph of the training set.
    """
    trained = [uri for folder in folders for uri in _named(folder, training_set)]
    place_of = {image_id: place for place, image_id in enumerate(table.image_ids)}
    scored = [image_id for image_id in wanted if image_id in place_of]
    uris = [table.image_uris[place_of[image_id]] for image_id in scored]
    hashes = hash_photographs(_files(uris), turned=True).hashes
    near = near_others(hashes, hash_photographs(_files(trained)).hashes)
    alike = frozenset(name for name, is_near in zip(scored, near, strict=True) if is_near)
    return replace(training_set, alike=alike, searched=True)


def _named(folder: str, training_set: TrainingSet) -> list[str]:
    found = [uri for uri in images_below(folder).values() if storage.stem_of(uri) in training_set.image_ids]
    if not found:
        raise DataError(
            f"--training-photographs {folder}: holds no photograph that --trained-on names; check the folder"
        )
    return found


def _files(uris: Sequence[str]) -> list[Photograph]:
    return [Photograph(uri, uri, "", "", "") for uri in uris]
