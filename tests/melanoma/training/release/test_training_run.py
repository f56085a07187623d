"""A training in a folder trains its teachers, then the network itself; after a kill it resumes."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.splits import Dataset
from melanoma.errors import UsageError
from melanoma.training.fitting.trainer import Trained
from melanoma.training.release.training_job import TrainingJob
from melanoma.training.release.training_run import Progress, TrainingRun
from tests.helpers import coloured, trainings


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    dataset: Dataset = coloured.dataset(tmp_path_factory.mktemp("few"), {"melanoma": 25, "nevus": 25})
    job = trainings.job(dataset)
    recipe = replace(job.recipe, epochs=1, batch_size=10, teachers=("assignment-cnn",) * 2, teacher_epochs=1)
    return replace(job, recipe=recipe)


def train(job: TrainingJob, folder: Path, *, resume: bool, stop_after: int = 99) -> tuple[Trained, list[Progress]]:
    """Trains in a folder; interrupts after `stop_after` epochs, including those of teachers."""
    seen: list[Progress] = []

    def on_epoch(progress: Progress) -> None:
        if len(seen) == stop_after:
            raise KeyboardInterrupt
        seen.append(progress)

    return TrainingRun(job, folder, on_epoch).train(resume=resume), seen


@pytest.fixture(scope="module")
def killed(job: TrainingJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a job that was killed while training its second teacher."""
    folder = tmp_path_factory.mktemp("killed") / "bundle"
    with pytest.raises(KeyboardInterrupt):
        train(job, folder, resume=False, stop_after=1)
    assert sorted(path.name for path in folder.iterdir()) == ["split.csv", "teacher-1.npz"]
    assert (folder / "split.csv").read_bytes() == job.prepared.dataset.to_csv()
    return folder


def test_a_job_killed_while_training_a_teacher_resumes_there(job: TrainingJob, killed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(killed, tmp_path / "bundle"))
    trained, seen = train(job, folder, resume=True)
    assert [progress.role for progress in seen] == ["teacher 2 of 2 (assignment-cnn)", ""]
    assert [progress.total_epochs for progress in seen] == [1, 1]
    assert (folder / "teacher-1.npz").read_bytes() == (killed / "teacher-1.npz").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        *("checkpoint.npz", "history.csv", "split.csv", "teacher-1.npz", "teacher-2.npz"),
    ]
    assert (folder / "history.csv").read_text().splitlines()[1].startswith("1,32")
    with np.load(folder / "teacher-1.npz") as one, np.load(folder / "teacher-2.npz") as two:
        assert any(not np.array_equal(one[name], two[name]) for name in one.files if name.startswith("average"))
    for path in folder.glob("teacher-*.npz"):  # a finished training does not need them
        path.write_bytes(b"")
    again, seen = train(job, folder, resume=True)
    assert seen == [] and again.history == trained.history


def test_a_teacher_resumes_only_with_the_same_settings(job: TrainingJob, killed: Path, tmp_path: Path) -> None:
    (tmp_path / "teacher-1.npz").write_bytes((killed / "teacher-1.npz").read_bytes())
    other = replace(job, recipe=replace(job.recipe, batch_size=5))
    with pytest.raises(UsageError, match=r"teacher-1\.npz: this training began with batch_size 10, now it is 5"):
        train(other, tmp_path, resume=True)


def test_a_job_without_teachers_needs_its_checkpoint_to_resume(job: TrainingJob, tmp_path: Path) -> None:
    alone = replace(job, recipe=replace(job.recipe, teachers=()))
    with pytest.raises(UsageError, match=r"checkpoint\.npz: not a checkpoint"):
        train(alone, tmp_path, resume=True)
