"""A release candidate that needs no training: a network that separates three colours."""

import pytest

from melanoma.datasets.splits import Dataset
from melanoma.training.release.candidate import ReleaseCandidate, make_candidate
from melanoma.training.release.training_job import TrainingJob
from tests.helpers import coloured, trainings


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return coloured.dataset(tmp_path_factory.mktemp("coloured"), trainings.COUNTS)


@pytest.fixture(scope="package")
def job(dataset: Dataset) -> TrainingJob:
    sexes = {photograph.image_id: "mf"[i % 2] for i, photograph in enumerate(dataset.photographs)}
    return trainings.job(dataset, subgroups={"sex": sexes})


@pytest.fixture(scope="package")
def candidate(job: TrainingJob, dataset: Dataset) -> ReleaseCandidate:
    return make_candidate(job, trainings.trained(dataset))
