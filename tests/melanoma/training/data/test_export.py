"""Augmented images: equally many per class, reproducible, traceable, and never written into a source."""

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.folders import read_folders
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import TEST, TRAIN, Dataset
from melanoma.errors import DataError, UsageError
from melanoma.images.decoding import read_header
from melanoma.training.data.export import (
    AugmentedImage,
    check_target_folder,
    manifest_csv,
    plan_augmented_images,
    refuse_augmented_folders,
    write_augmented_images,
)
from tests.helpers import fill


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    """Seven nevi and three melanomas."""
    fill(tmp_path / "source" / "nevus", 7)
    fill(tmp_path / "source" / "melanoma", 3, first=50)
    return read_folders(str(tmp_path / "source"))


def test_every_class_gets_the_same_number_and_every_photograph_its_share(photographs: list[Photograph]) -> None:
    planned = plan_augmented_images(photographs, 10, seed=1)
    assert Counter(image.photograph.label for image in planned) == {"melanoma": 10, "nevus": 10}
    times = Counter(image.photograph.image_id for image in planned)
    assert {times[p.image_id] for p in photographs if p.label == "nevus"} == {1, 2}
    assert {times[p.image_id] for p in photographs if p.label == "melanoma"} == {3, 4}
    assert planned[0].file == f"melanoma/{planned[0].photograph.image_id}-1.jpg"


def test_files_and_keys_differ_even_where_ids_do_not(photographs: list[Photograph]) -> None:
    alike = [replace(photograph, image_id="../a/b") for photograph in photographs]
    planned = plan_augmented_images(alike, 20, seed=1)
    assert len({image.file for image in planned}) == len({image.key for image in planned}) == 40
    assert all(image.file.count("/") == 1 for image in planned)


def test_an_image_does_not_depend_on_what_else_is_in_the_data(photographs: list[Photograph]) -> None:
    whole = {image.file: image.key for image in plan_augmented_images(photographs, 14, seed=1)}
    nevi = [photograph for photograph in photographs if photograph.label == "nevus"]
    assert all(whole[image.file] == image.key for image in plan_augmented_images(nevi, 14, seed=1))
    assert not set(whole.values()) & {image.key for image in plan_augmented_images(photographs, 14, seed=2)}


def test_files_are_reproducible_and_the_manifest_lists_each(photographs: list[Photograph], tmp_path: Path) -> None:
    grouped = [replace(p, group=f"lesion of {p.image_id}") for p in photographs]
    dataset = Dataset(grouped, np.array([TEST, *[TRAIN] * 9]))
    planned, calls = plan_augmented_images(dataset.part(TRAIN).photographs, 5, seed=3), []
    for name in ("first", "second"):
        write_augmented_images(planned, dataset, str(tmp_path / name), lambda: calls.append(1))
    first, second = (
        {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("first", "second")
    )
    assert first == second
    assert len(calls) == 20
    rows = list(csv.DictReader(io.StringIO(first["manifest.csv"].decode())))
    assert first["manifest.csv"] == manifest_csv(planned)
    assert {row["file"] for row in rows} == set(first) - {"manifest.csv", "split.csv"}
    assert all(row["group"] == f"lesion of {row['image_id']}" for row in rows)
    assert {read_header(first[row["file"]]).upright_size for row in rows} <= {(80, 60), (60, 80)}
    assert grouped[0].sha256 not in {row["sha256"] for row in rows}
    assert f"{grouped[0].sha256},{grouped[0].label},{grouped[0].group},test" in first["split.csv"].decode()


@pytest.mark.parametrize("name", ["source", "source/nevus/new", "elsewhere/../source/new", "link/new"])
def test_a_folder_in_a_source_is_refused(photographs: list[Photograph], tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "source")
    with pytest.raises(UsageError, match="choose a folder outside of it"):
        check_target_folder(str(tmp_path / name), [str(tmp_path / "source")], empty=True)


def test_a_folder_with_files_is_refused_where_it_must_be_empty(tmp_path: Path) -> None:
    (tmp_path / "output" / "below").mkdir(parents=True)
    check_target_folder(str(tmp_path / "output"), [str(tmp_path / "out")], empty=True)
    check_target_folder(str(tmp_path / "new"), [], empty=True)
    (tmp_path / "output" / "below" / "note.txt").write_text("mine")
    check_target_folder(str(tmp_path / "output"), [], empty=False)
    with pytest.raises(UsageError, match="already contains files"):
        check_target_folder(str(tmp_path / "output"), [], empty=True)


def test_augmented_images_are_not_read_as_photographs(photographs: list[Photograph], tmp_path: Path) -> None:
    dataset = Dataset(photographs, np.array([TRAIN] * 10))
    write_augmented_images(plan_augmented_images(photographs, 2, seed=3), dataset, str(tmp_path / "new"), lambda: None)
    with pytest.raises(DataError, match="new: these are augmented images"):
        refuse_augmented_folders([str(tmp_path / "source"), str(tmp_path / "new")])
    (tmp_path / "source" / "manifest.csv").write_text("file,lesion\n")
    refuse_augmented_folders([str(tmp_path / "source"), str(tmp_path / "nowhere")])


def test_augmented_images_are_accepted_with_a_reference_that_knows_all_their_lesions(
    photographs: list[Photograph], tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    planned = plan_augmented_images(photographs, 2, seed=3)
    (tmp_path / "new" / "manifest.csv").write_bytes(manifest_csv(planned))
    ids = {Path(image.file).stem for image in planned}
    refuse_augmented_folders([str(tmp_path / "new")], ids)
    with pytest.raises(DataError, match="--reference with --id-column variant_id"):
        refuse_augmented_folders([str(tmp_path / "new")], sorted(ids)[1:])


def test_the_manifest_is_written_before_any_image(photographs: list[Photograph], tmp_path: Path) -> None:
    """An interrupted folder is recognised as one of augmented images."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    dataset = Dataset(photographs, np.array([TRAIN] * 10))
    with pytest.raises(KeyboardInterrupt):
        write_augmented_images(plan_augmented_images(photographs, 2, seed=3), dataset, str(tmp_path / "new"), interrupt)
    assert len(list((tmp_path / "new").rglob("*.jpg"))) == 1
    with pytest.raises(DataError, match="these are augmented images"):
        refuse_augmented_folders([str(tmp_path / "new")])


def test_a_manifest_row_names_image_photograph_and_key() -> None:
    photograph = Photograph("ISIC_1", "unused", "ab" * 32, "nevus", "lesion, 7")
    image = AugmentedImage("nevus/ISIC_1-3.jpg", photograph, (0, 5, 3))
    assert manifest_csv([image]).decode().splitlines() == [
        "file,variant_id,image_id,sha256,label,group,key",
        f'nevus/ISIC_1-3.jpg,ISIC_1-3,ISIC_1,{"ab" * 32},nevus,"lesion, 7",0 5 3',
    ]


def test_a_missing_photograph_is_a_data_error(photographs: list[Photograph], tmp_path: Path) -> None:
    gone = [replace(photographs[0], uri=str(tmp_path / "absent.jpg"))]
    dataset = Dataset(gone, np.array([TRAIN]))
    with pytest.raises(DataError, match="absent"):
        write_augmented_images(plan_augmented_images(gone, 1, seed=0), dataset, str(tmp_path / "new"), lambda: None)


@pytest.mark.parametrize(("folder", "other"), [("memory://a/b/new", "memory://a/b"), ("memory://a/b", "memory://a/b/")])
def test_a_folder_in_a_source_is_refused_in_any_store(folder: str, other: str) -> None:
    with pytest.raises(UsageError, match=f"{folder} lies in {other}; choose a folder outside of it"):
        check_target_folder(folder, [other], empty=False)
    check_target_folder("memory://a/bc", ["memory://a/b"], empty=True)
