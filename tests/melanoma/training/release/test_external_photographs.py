"""External photographs are compared with the whole data set, and only unseen ones with known labels are kept."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import Dataset
from melanoma.errors import DataError
from melanoma.evaluation.inputs.external_labels import ExternalColumns
from melanoma.training.release.external_photographs import ExternalFiles, read_external_sets
from tests.helpers import fill
from tests.helpers.score_tables import write_labels

COLUMNS = ExternalColumns("file", "dx", "lesion", "clinic")


@pytest.fixture
def trained(tmp_path: Path) -> Dataset:
    """Six photographs of the data set, one of them in the test part."""
    fill(tmp_path / "own", 6)
    files = sorted((tmp_path / "own").iterdir())
    photographs = [
        Photograph(
            path.stem, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), ("melanoma", "nevus")[i % 2], f"L{i}"
        )
        for i, path in enumerate(files)
    ]
    return Dataset(photographs, np.array(["train"] * 4 + ["validation", "test"]))


@pytest.fixture
def north(tmp_path: Path, trained: Dataset) -> Path:
    """Photographs of another hospital: five shared with the data set in five ways, a broken one, and new ones."""
    folder = tmp_path / "north"
    fill(folder, 60, first=100)
    own = [Path(photograph.uri) for photograph in trained.photographs]
    (folder / "bytes.jpg").write_bytes(own[0].read_bytes())
    Image.open(own[1]).resize((150, 120)).save(folder / "smaller.jpg")
    (folder / "test.jpg").write_bytes(own[5].read_bytes())
    (folder / f"{own[2].stem}.jpg").write_bytes((folder / "lesion-0100.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "lesion-0101.jpg").read_bytes()[:100])
    rows = [f"lesion-{i:04d},{'mel' if i % 2 else 'blue nevus'},N{i // 2},a" for i in range(101, 160)]
    rows += ["bytes,nv,,a", "smaller,nv,,a", "test,nv,,a", f"{own[2].stem},nv,,a", "broken,mel,,a"]
    rows += ["lesion-0100,nv,L3,a"]
    write_labels(tmp_path / "north.csv", "file,dx,lesion,clinic\n" + "\n".join(rows) + "\n")
    return tmp_path / "north.csv"


def test_shared_photographs_are_left_out_whatever_they_share(trained: Dataset, north: Path) -> None:
    files = ExternalFiles([str(north)], [str(north.with_suffix(""))], COLUMNS)
    (found,) = read_external_sets(files, trained)
    assert (found.source, len(found.part.photographs)) == ("a", 59)
    assert found.data["photographs_trained_on_by"] == {"content": 2, "near_duplicate": 1, "id": 1, "group": 1}
    assert found.data["labels_of_failed"] == 1 and found.data["labelled"] == 65
    assert found.data["labels_counted_as"] == [{"label": "blue_nevus", "as": "nevus", "n": 29}]
    assert found.part.truth.tolist() == [0 if i % 2 else 1 for i in range(101, 160)]
    assert found.data["judged"] + found.data["photographs_trained_on"] + found.data["labels_of_failed"] == 65


def test_other_classes_are_counted_and_a_folder_is_one_source(trained: Dataset, tmp_path: Path) -> None:
    fill(tmp_path / "south" / "mel", 3, first=200)
    fill(tmp_path / "south" / "scar", 2, first=300)
    (found,) = read_external_sets(ExternalFiles([str(tmp_path / "south")], [], ExternalColumns()), trained)
    assert (found.source, len(found.part.photographs)) == ("south", 3)
    assert found.data["classes_unknown_to_model"] == {"scar": 2}
    assert found.data["classes_without_label"] == ["nevus"]


def test_a_source_without_any_new_photograph_is_refused(trained: Dataset, tmp_path: Path) -> None:
    fill(tmp_path / "same" / "mel", 2)
    with pytest.raises(DataError, match="no photograph of same is left: 2 of 2 are in the data set too"):
        read_external_sets(ExternalFiles([str(tmp_path / "same")], [], ExternalColumns()), trained)
