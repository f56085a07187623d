"""A release candidate is made from a job and its trained network, the same each time."""

from melanoma.datasets.splits import Dataset
from melanoma.training.release.candidate import ReleaseCandidate, make_candidate
from melanoma.training.release.training_job import TrainingJob
from tests.helpers import trainings


def test_the_same_training_makes_the_same_candidate(
    job: TrainingJob, dataset: Dataset, candidate: ReleaseCandidate
) -> None:
    again = make_candidate(job, trainings.trained(dataset))
    assert again.model.thresholds == candidate.model.thresholds
    assert again.model.reference == candidate.model.reference
    assert again.model.choices == candidate.model.choices
    assert again.assessment == candidate.assessment


def test_every_step_uses_the_settings_of_the_job(candidate: ReleaseCandidate) -> None:
    assert candidate.model.network.output_names == ["probabilities", "ood_score"]  # the job's network has layers for it
    assert candidate.model.choices["review_below"]["most_sent"] == 0.2
    assert set(candidate.assessment.report["subgroups"]) == {"sex"}
    assert candidate.trained.history[0]["size"] == 32
