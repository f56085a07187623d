"""The flags of labelled photographs: which belong together, and what becomes of a split that leaks."""

import argparse
from pathlib import Path

import pytest
from PIL import Image

from jobs.console.data_flags import DATA_FLAGS, DataOptions, add_data_arguments, columns_of, prepare, sources_of
from melanoma.datasets.label_tables import Columns
from melanoma.errors import DataError, UsageError
from melanoma.training.fitting.preparation import warnings
from tests.helpers import fill

NAMES = ("--id-column", "image", "--label-column", "diagnosis")


def options(*words: str) -> DataOptions:
    parser = argparse.ArgumentParser()
    add_data_arguments(parser)
    return DataOptions.from_args(parser.parse_args(words))


def test_every_flag_has_a_field_and_every_field_a_flag() -> None:
    assert {name.replace("-", "_") for name in DATA_FLAGS} == set(DataOptions.__dataclass_fields__)


def test_one_source_is_enough() -> None:
    found = options("--data", "folder")
    assert found == DataOptions(
        *(("folder",), (), None, None, None, None),
        split=None,
        validation_share=0.2,
        test_share=0.2,
        seed=0,
        allow_leaks=False,
        source_column=None,
        validate_on_source=(),
    )
    assert columns_of(found, "--data") is None


def test_repeated_sources_and_roots_stay_in_order() -> None:
    found = options("--data", "b.csv", "--data", "a", "--root", "y", "--root", "x", *NAMES)
    assert found.data == ("b.csv", "a") and found.root == ("y", "x")


@pytest.mark.parametrize("table", ["labels.csv", "labels.parquet", "s3://bucket/labels.CSV"])
def test_a_table_needs_its_columns_and_a_root(table: str) -> None:
    found = options("--data", table, "--root", "photographs", *NAMES)
    assert columns_of(found, "--data") == Columns("image", "diagnosis", None)
    found = options("--data", table, "--root", "photographs", *NAMES, "--group-column", "lesion")
    assert columns_of(found, "--data") == Columns("image", "diagnosis", "lesion")


def test_a_reference_needs_columns_but_no_root() -> None:
    assert columns_of(options("--data", "folder", "--reference", "ids.csv", *NAMES), "--data") == Columns(
        "image", "diagnosis"
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--data", "table.csv", *NAMES], "--root goes with a CSV or Parquet table in SETS; give both or neither"),
        (["--data", "folder", "--root", "photographs"], "--root goes with"),
        (["--data", "folder", *NAMES], "give all or none"),
        (["--data", "folder", "--group-column", "lesion"], "give all or none"),
    ],
)
def test_flags_that_belong_together_are_given_together(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        columns_of(options(*words), "SETS")
    assert complaint in str(refused.value)


def test_columns_that_are_not_named_are_left_to_the_format_of_the_table() -> None:
    words = ["--data", "table.csv", "--root", "photographs"]
    assert columns_of(options(*words), "SETS") == Columns()
    assert columns_of(options(*words, "--id-column", "clinic"), "SETS") == Columns("clinic")
    assert columns_of(options("--data", "folder", "--reference", "ids.csv"), "SETS") == Columns()


def test_sources_follow_the_flags() -> None:
    words = ["--data", "t.csv", "--root", "photographs", *NAMES, "--reference", "ids.csv", "--split", "split.csv"]
    sources = sources_of(options(*words, "--validation-share", "0.3", "--test-share", "0.1", "--seed", "7"))
    assert (list(sources.data), list(sources.roots)) == (["t.csv"], ["photographs"])
    assert sources.columns == Columns("image", "diagnosis")
    assert (sources.reference, sources.split) == ("ids.csv", "split.csv")
    assert (sources.validation, sources.test, sources.seed) == (0.3, 0.1, 7)


def test_sources_are_checked_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="in --data; give both or neither"):
        sources_of(options("--data", "/nowhere/table.csv"))


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Words for two classes and a split with one photograph in two parts, under two names."""
    folder = tmp_path_factory.mktemp("leaking")
    rows = []
    for number, label in enumerate(("melanoma", "nv")):
        paths = fill(folder / "in" / label, 9, first=100 * number)
        parts = ["train", "validation", "test"] * 3
        rows += [f"{path.stem},{path.stem},{part}" for path, part in zip(paths, parts, strict=True)]
    first, second = folder / "in" / "nv" / "lesion-0100.jpg", folder / "in" / "nv" / "lesion-0101.jpg"
    from PIL import Image

    Image.open(first).save(second, quality=60)  # a near duplicate of a training photograph, in the validation part
    (folder / "split.csv").write_text("image_id,group,part\n" + "\n".join(rows) + "\n")
    return ["--data", str(folder / "in"), "--split", str(folder / "split.csv")]


def test_a_split_that_leaks_is_refused_unless_it_is_allowed(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"the split leaks: 1 by near duplicate .*or add --allow-leaks"):
        prepare(options(*leaking))
    capsys.readouterr()
    prepared = prepare(options(*leaking, "--allow-leaks"))
    assert len(prepared.leaks) == 1
    assert "continuing because of --allow-leaks" in capsys.readouterr().out


def test_every_step_and_part_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, label in enumerate(("melanoma", "nv")):
        fill(tmp_path / label, 12, first=100 * number)
    (tmp_path / "nv" / "broken.jpg").write_bytes(b"\xff\xd8")
    prepared = prepare(options("--data", str(tmp_path), "--seed", "3"))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "25 photographs, 0 removed: found"
    assert any(line.startswith("24 photographs, 1 removed: ") for line in lines)
    assert prepared.leaks == []
    tally = prepared.dataset.tally()
    for label in ("melanoma", "nevus"):
        counts = " ".join(f"{part} {count}" for part, count in tally[label].items())
        assert f"{label} {counts}" in lines and sum(tally[label].values()) == 12


def test_folders_that_are_a_split_are_kept_and_their_leaks_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, folder in enumerate(("Train/mel", "Train/nv", "Test/mel", "Test/nv")):
        fill(tmp_path / folder, 12, first=100 * number)
    prepared = prepare(options("--data", str(tmp_path)))
    assert prepared.dataset.labels == ["melanoma", "nevus"]
    assert "split as the folders are named: train, test; validation taken from train" in capsys.readouterr().out
    assert sum(prepared.dataset.parts == "test") == 24
    pixels = Image.open(tmp_path / "Train" / "mel" / "lesion-0000.jpg").resize((70, 50))
    pixels.save(tmp_path / "Test" / "mel" / "again.jpg")
    with pytest.raises(
        DataError, match=r"1 by near duplicate .* give each of its folders as --data to split them anew"
    ):
        prepare(options("--data", str(tmp_path)))


def test_totals_are_printed_and_a_large_share_left_out_is_a_warning_on_the_card_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for number, code in enumerate(("mel", "nv")):
        paths = fill(tmp_path / "images", 15, first=100 * number)
        rows += [f"L{path.stem},{path.stem},{code}" for path in paths]
    rows += [f"L{number},absent-{number},nv" for number in range(10)]
    (tmp_path / "metadata.csv").write_text("lesion_id,image_id,dx\n" + "\n".join(rows) + "\n")
    prepared = prepare(options("--data", str(tmp_path / "metadata.csv"), "--root", str(tmp_path / "images")))
    printed = capsys.readouterr().out
    assert "40 rows of labels: 30 used, 10 without a photograph below the roots" in printed
    assert "WARNING: 10 of 40 rows of labels were left out" in printed
    assert any(text.startswith("10 of 40 rows of labels were left out") for text in warnings(prepared))
