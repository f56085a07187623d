"""From sources to a data set: how cleaning, near duplicates and given splits work together."""

from pathlib import Path

import pytest
from PIL import Image

from melanoma.datasets.label_tables import Columns
from melanoma.errors import DataError
from melanoma.training.data.export import MANIFEST, MANIFEST_COLUMNS
from melanoma.training.fitting.preparation import Prepared, Sources, describe_leaks, prepare, warnings
from tests.helpers import ROOT, fill

SPLITS = ROOT / "docs" / "splits"
HAM10000 = Columns("image_id", "dx", "lesion_id")


def prepared(data: list[str], **changes: object) -> Prepared:
    given = {"data": data, "roots": [], "columns": None, "reference": None, "split": None}
    calls: list[int] = []
    sources = Sources(**(given | {"validation": 0.2, "test": 0.2, "seed": 0} | changes))  # type: ignore[arg-type]
    found = prepare(sources, calls.append, lambda: calls.append(-1))
    assert calls[0] == len(calls) - 1
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
    assert [warning[:78] for warning in warnings(found)] == [
        "The lesion or patient is unknown for 80 of 80 photographs. Each counts as a se"
    ]
    whats = {step.what: step for step in found.steps}
    assert whats["groups joined with others because of near duplicates: 20"].left == 80
    assert any(what.startswith("unreadable files, ") and whats[what].dropped == 1 for what in whats)


def test_a_given_split_that_separates_a_copy_from_its_original_is_a_leak(tmp_path: Path) -> None:
    originals = fill(tmp_path / "mel", 10) + fill(tmp_path / "nv", 10, first=50)
    Image.open(originals[0]).resize((120, 90)).save(tmp_path / "mel" / "copy.jpg", quality=70)
    split = tmp_path / "split.csv"
    rows = [f"{path.stem},,{('train', 'train', 'validation', 'test')[i % 4]}" for i, path in enumerate(originals)]
    split.write_text("\n".join(["image_id,group,part", "copy,,test", *rows]) + "\n")
    found = prepared([str(tmp_path)], split=str(split))
    assert describe_leaks(found) == "1 by near duplicate between test and train"
    assert "too optimistic" in warnings(found)[0]


def two_roots(folder: Path) -> tuple[dict[str, object], Path]:
    """Writes crops of 40 lesions and, in a second root, smaller files of them; the first two show the same lesion."""
    crops, whole = fill(folder / "crops", 40), fill(folder / "whole", 40, first=100)
    reductions = [path.rename(path.with_name(crop.stem + path.suffix)) for path, crop in zip(whole, crops, strict=True)]
    Image.open(reductions[0]).resize((120, 90)).save(reductions[1].with_suffix(".jpg"), quality=70)
    table = folder / "metadata.csv"
    rows = [f"{path.stem},{('mel', 'nv')[i % 2]},L{i}" for i, path in enumerate(crops)]
    table.write_text("\n".join(["image_id,dx,lesion_id", *rows]) + "\n")
    return {"roots": [str(folder / "crops"), str(folder / "whole")], "columns": HAM10000}, table


def test_an_additional_file_that_shows_another_lesion_keeps_both_in_one_part(tmp_path: Path) -> None:
    roots, table = two_roots(tmp_path)
    found = prepared([str(table)], **roots)
    photographs = found.dataset.photographs
    assert len(photographs) == 40 and all(photograph.other_uris for photograph in photographs)
    assert [photograph.group for photograph in photographs[:3]] == ["L0", "L0", "L2"]
    assert found.dataset.parts[0] == found.dataset.parts[1] and found.leaks == []


def test_a_split_leaks_through_an_additional_file_too(tmp_path: Path) -> None:
    roots, table = two_roots(tmp_path)
    split = tmp_path / "split.csv"
    parts = ["train", "test", "train", "train", "validation", "train", "test", "validation"] * 5
    rows = [f"lesion-{i:04d},L{i},{part}" for i, part in enumerate(parts)]
    split.write_text("\n".join(["image_id,group,part", *rows]) + "\n")
    found = prepared([str(table)], **roots, split=str(split))
    assert describe_leaks(found) == "1 by near duplicate between test and train"
    assert {found.leaks[0].first, found.leaks[0].second} == {0, 1}


def test_a_damaged_additional_file_is_not_used(tmp_path: Path) -> None:
    roots, table = two_roots(tmp_path)
    (tmp_path / "whole" / "lesion-0005.jpg").write_bytes(b"\xff\xd8\xff")
    found = prepared([str(table)], **roots)
    assert [p.image_id for p in found.dataset.photographs if not p.other_uris] == ["lesion-0005"]
    assert "1 additional files of photographs are unreadable and not used" in {step.what for step in found.steps}


def test_folders_of_augmented_images_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "new" / "mel", 10)
    fill(tmp_path / "new" / "nv", 10, first=50)
    (tmp_path / "new" / MANIFEST).write_text(",".join(MANIFEST_COLUMNS) + "\n")
    with pytest.raises(DataError, match="these are augmented images"):
        prepared([str(tmp_path / "new")])


def test_the_committed_split_of_the_nine_classes_has_no_leaks(data: Path) -> None:
    sources = [str(data / "isic9/Train"), str(data / "isic9/Test")]
    reference = str(data / "ham10000/metadata.csv")
    found = prepared(sources, columns=HAM10000, reference=reference, split=str(SPLITS / "isic9.csv"))
    assert len(found.dataset.photographs) == 2119
    assert found.leaks == []
    part_of = {p.image_id: part for p, part in zip(found.dataset.photographs, found.dataset.parts, strict=True)}
    assert part_of["ISIC_0000399"] == part_of["ISIC_0001124"]  # near duplicates under two names


def test_the_committed_split_of_ham10000_has_no_leaks(data: Path) -> None:
    """Reads only the small file of each photograph; the crops, which 6 of 10 also have, show the same lesions."""
    roots, table = [str(data / "ham10000/images")], str(data / "ham10000/metadata.csv")
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
    assert len(found.dataset.photographs) == 10_013  # two are copies


def table_of(folder: Path, rows: list[str]) -> str:
    (folder / "table.csv").write_text("\n".join(["image_id,dx,lesion_id", *rows]) + "\n")
    return str(folder / "table.csv")


def parts_of(found: Prepared) -> dict[str, str]:
    return {p.image_id: part for p, part in zip(found.dataset.photographs, found.dataset.parts.tolist(), strict=True)}


def test_equal_ids_of_photographs_and_patients_are_not_confused(tmp_path: Path) -> None:
    rows = []
    for number, path in enumerate(fill(tmp_path / "in", 60), start=1):
        path.rename(path.with_stem(str(number)))
        rows.append(f"{number},{'mel' if number % 2 else 'nv'},{number * 37 % 30 + 1}")
    table = table_of(tmp_path, rows)
    found = prepared([table], roots=[str(tmp_path / "in")], columns=HAM10000)
    assert len({p.group for p in found.dataset.photographs}) == 30
    split = tmp_path / "split.csv"
    split.write_text(
        "image_id,group,part\n"
        + "".join(
            f"{row.split(',')[0]},{row.split(',')[2]},{part}\n"
            for row, part in zip(rows, parts_of(found).values(), strict=True)
        )
    )
    again = prepared([table], roots=[str(tmp_path / "in")], columns=HAM10000, split=str(split), seed=5)
    assert parts_of(again) == parts_of(found)


@pytest.mark.parametrize("first", ["A", "Z"])
def test_near_duplicates_get_the_given_part_of_the_original(tmp_path: Path, first: str) -> None:
    paths = fill(tmp_path / "in", 40)
    rows = [f"{path.stem},{'mel' if n % 2 else 'nv'},L{n:03d}" for n, path in enumerate(paths)]
    parts = ["train"] * 24 + ["validation"] * 8 + ["test"] * 8
    named = [f"{path.stem},L{n:03d},{part}" for n, (path, part) in enumerate(zip(paths, parts, strict=True))]
    (tmp_path / "split.csv").write_text("\n".join(["image_id,group,part", *named]) + "\n")
    for n, path in enumerate(paths):
        Image.open(path).resize((120, 90)).save(tmp_path / "in" / f"{first}{n}.jpg", quality=70)
        rows.append(f"{first}{n},{'mel' if n % 2 else 'nv'},{first}{n:03d}")
    found = prepared(
        [table_of(tmp_path, rows)], roots=[str(tmp_path / "in")], columns=HAM10000, split=str(tmp_path / "split.csv")
    )
    assert [parts_of(found)[f"{first}{n}"] for n in range(40)] == parts
    assert found.leaks == []


def test_a_copy_under_another_id_gets_the_part_of_the_original(tmp_path: Path) -> None:
    paths = fill(tmp_path / "old" / "mel", 20) + fill(tmp_path / "old" / "nv", 20, first=50)
    first = prepared([str(tmp_path / "old")])
    (tmp_path / "split.csv").write_bytes(first.dataset.to_csv())
    for path in paths:
        copy = tmp_path / "new" / path.parent.name / f"aa-{path.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    found = prepared([str(tmp_path / "new"), str(tmp_path / "old")], split=str(tmp_path / "split.csv"), seed=5)
    assert {name.removeprefix("aa-"): part for name, part in parts_of(found).items()} == parts_of(first)


@pytest.mark.parametrize("pattern", ["{}.jpg", "{}_downsampled"])
def test_a_reference_matches_a_photograph_by_the_name_of_its_copy(tmp_path: Path, pattern: str) -> None:
    paths = fill(tmp_path / "in" / "mel", 30) + fill(tmp_path / "in" / "nv", 30, first=50)
    rows = [f"{pattern.format(path.stem)},{path.parent.name},L{n // 2}" for n, path in enumerate(paths)]
    found = prepared([str(tmp_path / "in")], columns=HAM10000, reference=table_of(tmp_path, rows))
    assert {p.group for p in found.dataset.photographs} == {f"L{n}" for n in range(30)}


def test_an_unrelated_reference_does_not_admit_augmented_images(tmp_path: Path) -> None:
    paths = fill(tmp_path / "new" / "mel", 10)
    names = "".join(f"mel/{path.name},{path.stem}\n" for path in paths)
    (tmp_path / "new" / MANIFEST).write_text(",".join(MANIFEST_COLUMNS) + "\n" + names)
    with pytest.raises(DataError, match="these are augmented images"):
        prepared([str(tmp_path / "new")], columns=HAM10000, reference=table_of(tmp_path, ["other,mel,L1"]))


def test_an_empty_part_or_a_class_without_training_photographs_is_refused(tmp_path: Path) -> None:
    paths = fill(tmp_path / "in" / "mel", 12) + fill(tmp_path / "in" / "nv", 12, first=50)
    for parts, message in (
        (("train", "test"), "leaves no photographs for validation"),
        (("train", "validation"), "leaves no photographs for test"),
    ):
        rows = [f"{path.stem},,{parts[n % 2]}" for n, path in enumerate(paths)]
        (tmp_path / "split.csv").write_text("\n".join(["image_id,group,part", *rows]) + "\n")
        with pytest.raises(DataError, match=message):
            prepared([str(tmp_path / "in")], split=str(tmp_path / "split.csv"))
    rows = [f"{path.stem},,{('test', 'validation')[n % 2] if n < 12 else 'train'}" for n, path in enumerate(paths)]
    (tmp_path / "split.csv").write_text("\n".join(["image_id,group,part", *rows]) + "\n")
    with pytest.raises(DataError, match="no photograph of melanoma to train on"):
        prepared([str(tmp_path / "in")], split=str(tmp_path / "split.csv"))


def test_a_mirrored_or_turned_copy_shares_the_part_of_its_original(tmp_path: Path) -> None:
    paths = fill(tmp_path / "mel", 20) + fill(tmp_path / "nv", 20, first=50)
    for path in paths:
        turned = Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_90)
        turned.save(path.with_name(f"turned-{path.stem}.png"))
    found = prepared([str(tmp_path)])
    assert all(parts_of(found)[path.stem] == parts_of(found)[f"turned-{path.stem}"] for path in paths)
    assert found.leaks == []


def test_numbered_names_are_not_copies_of_each_other(tmp_path: Path) -> None:
    for label, first in (("mel", 0), ("nv", 50)):
        for number, path in enumerate(fill(tmp_path / label, 20, first), start=1):
            path.rename(path.with_stem(f"{label} ({number})"))
    assert prepared([str(tmp_path)]).leaks == []


def few_lesions(tmp_path: Path, validation: int) -> Path:
    """Writes 24 photographs, a lesion each, and a split with the given number of them in validation."""
    paths = fill(tmp_path / "in" / "mel", 12) + fill(tmp_path / "in" / "nv", 12, first=50)
    parts = ["validation"] * validation + ["test"] * 4 + ["train"] * (20 - validation)
    rows = [f"{path.stem},,{part}" for path, part in zip(paths[::2] + paths[1::2], parts, strict=True)]
    (tmp_path / "split.csv").write_text("\n".join(["image_id,group,part", *rows]) + "\n")
    return tmp_path / "in"


def test_validation_needs_enough_lesions_to_calibrate(tmp_path: Path) -> None:
    folder = few_lesions(tmp_path, validation=4)
    with pytest.raises(DataError, match="validation has 4 lesions or patients, expected at least 5; add photographs"):
        prepared([str(folder)], split=str(tmp_path / "split.csv"))


def test_a_class_without_validation_photographs_is_a_warning(tmp_path: Path) -> None:
    folder = few_lesions(tmp_path, validation=6)  # the first six are all melanomas
    found = warnings(prepared([str(folder)], split=str(tmp_path / "split.csv")))
    assert found[-1].startswith("Melanocytic nevus: no validation photographs, so how often")
    assert not any(warning.startswith("Melanoma:") for warning in found)


def test_rows_whose_photograph_is_missing_are_counted(tmp_path: Path) -> None:
    paths = fill(tmp_path / "in", 40)
    rows = [f"{path.stem},{'mel' if n % 2 else 'nv'},L{n}" for n, path in enumerate(paths)] + ["gone,mel,L99"]
    found = prepared([table_of(tmp_path, rows)], roots=[str(tmp_path / "in")], columns=HAM10000)
    assert found.steps[0] == ("found; 1 more are listed but missing", 0, 40)
    assert warnings(found) == []  # every lesion is known


def test_too_few_photographs_are_explained_by_labels_that_match_none(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 3)
    rows = [f"lesion-{number:04},nv," for number in range(50)]
    (tmp_path / "t.csv").write_text("image_id,dx,lesion_id\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"add photographs\. 47 of 50 rows of labels were left out"):
        prepared([str(tmp_path / "t.csv")], roots=[str(tmp_path / "photographs")], columns=HAM10000)


def test_a_photograph_that_two_collections_name_alike_is_in_one_part(tmp_path: Path) -> None:
    """They cut it so differently that it does not look alike, and one of them states its lesion."""
    for number, collection in enumerate(("north", "south")):
        for label in ("mel", "nv"):
            first = 1000 * number + 100 * len(label)
            for index, path in enumerate(fill(tmp_path / collection / label, 20, first)):
                path.rename(path.with_name(f"{label}-{index}{path.suffix}"))
    table = tmp_path / "south.csv"
    rows = [f"{label}-{index},{label},lesion-{label}-{index}" for label in ("mel", "nv") for index in range(20)]
    table.write_text("\n".join(["file,class,lesion", *rows]) + "\n")
    found = prepared(
        [str(tmp_path / "north"), str(table)],
        roots=[str(tmp_path / "south")],
        columns=Columns("file", "class", "lesion"),
    )
    parts: dict[str, set[str]] = {}
    for one, part in zip(found.dataset.photographs, found.dataset.parts.tolist(), strict=True):
        parts.setdefault(one.image_id, set()).add(part)
    assert len(found.dataset.photographs) == 80 and len(parts) == 40
    assert all(len(of) == 1 for of in parts.values()) and found.leaks == []
