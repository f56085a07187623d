"""The photographs on which a finished network is measured: none that it was trained on, labelled as it answers."""

from collections.abc import Mapping, Sequence

import numpy as np

from melanoma import storage
from melanoma.datasets.existing_splits import ExistingSplit, read_split
from melanoma.datasets.splits import TEST, TRAIN, VALIDATION, Dataset, Part
from melanoma.errors import DataError
from melanoma.evaluation.inputs.training_set import read_training_set
from melanoma.model.bundle import Bundle
from melanoma.training.fitting.checkpoints import SPLIT
from melanoma.training.fitting.warm_start import ANCESTRY
from melanoma.training.release.external_photographs import ExternalFiles, read_external_sets
from melanoma.training.release.measuring import Photographs


def held_out(bundle: Bundle, dataset: Dataset, external: ExternalFiles) -> Photographs:
    """Returns the validation and the test part of a data set for a bundle.

    Args:
        bundle: Its `split.csv` and `ancestry.csv`, if it has them, list what its network was trained on.
        dataset: Cleaned and split photographs.
        external: Photographs of further sources; may name none.

    Raises:
        DataError: A photograph of either part was trained on, or has a class that the network does not know.
    """
    if unknown := sorted(set(dataset.labels) - set(bundle.slugs)):
        raise DataError(
            f"the photographs have the classes {', '.join(unknown)}, which {bundle.name} does not know; it knows "
            f"{', '.join(bundle.slugs)}; remove the others, or name the classes as it does"
        )
    validation, test = (_part(bundle, dataset, name) for name in (VALIDATION, TEST))
    known = [read_split(uri) for uri in _lists(bundle)]
    _check_unseen(bundle, known, validation, VALIDATION, (TRAIN,))
    _check_unseen(bundle, known, test, TEST, (TRAIN, VALIDATION))
    sets = []
    if external.uris:
        trained_on = read_training_set(_lists(bundle), with_test=True)
        sets = read_external_sets(external, dataset, bundle.slugs, trained_on)
    return Photographs(validation, test, sets)


def tally(photographs: Photographs, bundle: Bundle) -> Mapping[str, Mapping[str, int]]:
    """Returns the number of photographs by label and part."""
    counts = {
        name: np.bincount(part.truth, minlength=len(bundle.slugs))
        for name, part in ((VALIDATION, photographs.validation), (TEST, photographs.test))
    }
    return {
        slug: {name: int(numbers[index]) for name, numbers in counts.items()} for index, slug in enumerate(bundle.slugs)
    }


def _part(bundle: Bundle, dataset: Dataset, name: str) -> Part:
    """Returns a part whose truth counts as the network's outputs do."""
    part = dataset.part(name)
    return part._replace(truth=np.array([bundle.slugs.index(one.label) for one in part.photographs], np.int64))


def _check_unseen(bundle: Bundle, lists: Sequence[ExistingSplit], part: Part, name: str, used: Sequence[str]) -> None:
    """Refuses photographs that lie in one of the parts `used` of a list of what the network was trained on."""
    seen = [one for one in part.photographs if any(known.part_of(one, one.group) in used for known in lists)]
    if seen:
        raise DataError(
            f"{len(seen)} of the {len(part.photographs)} photographs of the {name} part took part in the training of "
            f"{bundle.name}; leave out --split, for which the bundle's own is taken, or leave out these photographs"
        )


def _lists(bundle: Bundle) -> list[str]:
    return [storage.join(bundle.uri, name) for name in (SPLIT, ANCESTRY) if name in bundle.files]
