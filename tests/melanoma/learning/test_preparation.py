"""From sources to a data set: what cleaning, near duplicates and settled splits do together."""

from pathlib import Path

import pytest
from PIL import Image

from melanoma.errors import DataError
from melanoma.labelled.datasets import Columns
from melanoma.learning.preparation import Prepared, Sources, describe_leaks, prepare, warnings
from melanoma.learning.variants import _COLUMNS, MANIFEST
from tests.helpers import fill

SPLITS = Path(__file__).parents[3] / "docs" / "splits"
HAM10000 = Columns("image_id", "dx", "lesion_id")


def prepared(data: list[str], **changes: object) -> Prepared:
    given = {"data": data, "roots": [], "columns": None, "reference": None, "split": None}
    looked: list[int] = []
    sources = Sources(**(given | {"validation": 0.2, "test": 0.2, "seed": 0} | changes))  # type: ignore[arg-type]
    found = prepare(sources, looked.append, lambda: looked.append(-1))
    assert looked[0] == len(looked) - 1
    return found


def test_a_smaller_copy_shares_the_part_of_its_original(tmp_path: Path) -> None:
    originals = fill(tmp_path / "mel", 30) + fill(tmp_path / "nv", 30, first=50)
    for number, path in enumerate(originals[:20]):
        Image.open(path).resize((120, 90)).save(tmp_path / "mel" / f"copy-{number}.jpg", quality=70)
    (tmp_path / "nv" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    found = prepared([str(tmp_path)])
    part_of = {p.image_id: part for p, part in zip(found.dataset.photographs, found.dataset.parts, strict=True)}
    assert len(part_of) == 80
    assert all(part_of[path.stem] == part_of[f"copy-{number}"] for number, path in enumerate(originals[:20]))
    assert found.leaks == []
    assert warnings(found) == []
    whats = {step.what: step for step in found.steps}
    assert whats["20 groups joined with others by near duplicates"].left == 80
    assert any(what.startswith("bytes that give no photograph, ") and whats[what].dropped == 1 for what in whats)


def test_a_settled_split_that_tears_a_copy_from_its_original_is_told(tmp_path: Path) -> None:
    originals = fill(tmp_path / "mel", 10) + fill(tmp_path / "nv", 10, first=50)
    Image.open(originals[0]).resize((120, 90)).save(tmp_path / "mel" / "copy.jpg", quality=70)
    split = tmp_path / "split.csv"
    rows = [f"{path.stem},,{('train', 'train', 'validation', 'test')[i % 4]}" for i, path in enumerate(originals)]
    split.write_text("\n".join(["image_id,group,part", "copy,,test", *rows]) + "\n")
    found = prepared([str(tmp_path)], split=str(split))
    assert describe_leaks(found) == "1 by near duplicate between test and train"
    assert "flatters" in warnings(found)[0]


def test_augmented_files_are_no_photographs(tmp_path: Path) -> None:
    fill(tmp_path / "new" / "mel", 10)
    fill(tmp_path / "new" / "nv", 10, first=50)
    (tmp_path / "new" / MANIFEST).write_text(",".join(_COLUMNS) + "\n")
    with pytest.raises(DataError, match="these are augmented files"):
        prepared([str(tmp_path / "new")])


def test_the_committed_split_of_the_nine_classes_leaks_nothing(data: Path) -> None:
    sources = [str(data / "isic9/Train"), str(data / "isic9/Test")]
    reference = str(data / "ham10000/metadata.csv")
    found = prepared(sources, columns=HAM10000, reference=reference, split=str(SPLITS / "isic9.csv"))
    assert len(found.dataset.photographs) == 2119
    assert found.leaks == []
    part_of = {p.image_id: part for p, part in zip(found.dataset.photographs, found.dataset.parts, strict=True)}
    assert part_of["ISIC_0000399"] == part_of["ISIC_0001124"]  # near duplicates under two names


def test_the_committed_split_of_ham10000_leaks_nothing(data: Path) -> None:
    roots = [str(data / "ham10000/crop_224"), str(data / "ham10000/images")]
    table = str(data / "ham10000/metadata.csv")
    found = prepared([table], roots=roots, columns=HAM10000, split=str(SPLITS / "ham10000.csv"))
    assert found.leaks == []
    assert {label: parts["test"] for label, parts in found.dataset.tally().items()} == {
        "actinic_keratosis": 64,
        "basal_cell_carcinoma": 97,
        "benign_keratosis": 193,
        "dermatofibroma": 24,
        "melanoma": 168,
        "nevus": 1006,
        "vascular_lesion": 29,
    }
    assert pytest.approx(0.6, abs=0.01) == sum(len(p.other_uris) for p in found.dataset.photographs) / 10_015
