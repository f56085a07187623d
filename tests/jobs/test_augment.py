"""`melanoma augment`: shows or writes augmented images of the training part only."""

import argparse
import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from jobs import cli
from jobs.augment import AugmentOptions, add_arguments, run
from melanoma.errors import UsageError
from melanoma.training.data.class_counts import epoch_counts, plot_counts
from melanoma.training.data.policies import POLICIES
from tests.helpers import fill

SHARES = ("--validation-share", "0.2", "--test-share", "0.2")
TRAINING = {"melanoma": 9, "nevus": 12}  # photographs of `source` in the training part, with seed 0


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*SHARES, *words])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    fill(folder / "melanoma", 14)
    fill(folder / "nv", 21, first=100)
    return folder


@pytest.fixture(scope="module")
def written(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("augmented")
    assert run(parse("--data", str(source), "--output", str(folder / "new"), "--per-class", "12", "--seed", "2")) == 0
    return folder / "new"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_options_hold_every_flag_with_its_default() -> None:
    options = AugmentOptions.from_args(parse("--data", "a", "--data", "b", "--preview", "sheets"))
    assert (options.data, options.preview, options.output, options.per_class) == (("a", "b"), "sheets", None, None)
    assert (options.augmentation, options.photographs, options.variants, options.size) == (
        "augmentor",
        4,
        6,
        (192, 192),
    )
    assert (options.balance, options.seed, options.validation_share) == (1.0, 0, 0.2)
    with pytest.raises(AttributeError):
        options.augmentation = "views"  # type: ignore[misc]


def test_the_flag_accepts_every_augmentation_policy() -> None:
    for name in POLICIES:
        assert AugmentOptions.from_args(parse("--data", "a", "--augmentation", name)).augmentation == name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--balance", "2"], "argument --balance: '2' must be between 0 and 1"),
        (["--size", "31x40"], "argument --size: '31x40' is not a size"),
        (["--augmentation", "mirror"], "argument --augmentation: invalid choice: 'mirror'"),
        (["--per-class", "0"], "argument --per-class: '0' is not a whole number of at least 1"),
    ],
)
def test_values_that_no_flag_takes_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse("--data", "a", *words)
    assert message in capsys.readouterr().err


def test_images_are_made_from_the_training_part_only(written: Path) -> None:
    part_of = {row["image_id"]: row["part"] for row in rows_of(written / "split.csv")}
    rows = rows_of(written / "manifest.csv")
    assert set(part_of.values()) == {"train", "validation", "test"}
    assert {part_of[row["image_id"]] for row in rows} == {"train"}
    assert len(list((written / "melanoma").iterdir())) == len(list((written / "nevus").iterdir())) == 12


def test_the_source_stays_as_it_was(source: Path, written: Path) -> None:
    assert written.exists()
    assert sorted(path.name for path in source.iterdir()) == ["melanoma", "nv"]
    assert len(list(source.rglob("*.*"))) == 35


def test_the_same_seed_writes_the_same_bytes(source: Path, written: Path, tmp_path: Path) -> None:
    run(parse("--data", str(source), "--output", str(tmp_path / "new"), "--per-class", "12", "--seed", "2"))
    names = sorted(path.relative_to(written).as_posix() for path in written.rglob("*.*"))
    assert len(names) == 26
    assert all((written / name).read_bytes() == (tmp_path / "new" / name).read_bytes() for name in names)


def test_an_audit_finds_images_of_one_photograph_in_two_parts(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (written / "manifest.csv").read_text().splitlines()
    (tmp_path / "split.csv").write_text(
        "\n".join(f"{line},{part}" for line, part in zip(lines, ["part", *["train", "validation"] * 12], strict=True))
    )
    columns = ("--id-column", "file", "--label-column", "label", "--group-column", "group", "--part-column", "part")
    assert cli.main(["audit", str(tmp_path / "split.csv"), "--root", str(written), *columns]) == 1
    assert "leak" in capsys.readouterr().out.lower()


def test_a_preview_has_a_sheet_for_each_class_and_a_warning(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(source), "--preview", str(tmp_path), "--size", "32x32", "--photographs", "2")
    sheets = []
    for look in ("augmentor", "views"):
        assert run(parse(*words, "--variants", "2", "--augmentation", look, "--balance", "0.5")) == 0
        assert "they contain photographs: do not publish them" in capsys.readouterr().out
        sheets.append((tmp_path / "nevus.png").read_bytes())
    assert sheets[0] != sheets[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.png", "melanoma.png", "nevus.png"]
    assert {Image.open(path).format for path in tmp_path.iterdir()} == {"PNG"}
    assert (tmp_path / "counts.png").read_bytes() == plot_counts(TRAINING, epoch_counts(TRAINING, 0.5))


def test_with_an_output_the_preview_counts_its_images(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(source), "--size", "32x32", "--photographs", "1", "--variants", "1", "--per-class", "3")
    assert run(parse(*words, "--preview", str(tmp_path / "sheets"), "--output", str(tmp_path / "new"))) == 0
    after = {label: count + 3 for label, count in TRAINING.items()}
    chart = plot_counts(TRAINING, after, "with 3 augmented images per class")
    assert (tmp_path / "sheets" / "counts.png").read_bytes() == chart
    assert len(list((tmp_path / "new").rglob("*.jpg"))) == 6
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'new'}: 6 augmented images of 6 photographs of the training part, manifest.csv" in printed
    assert "use them only for training" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to do; give --preview FOLDER, --output FOLDER, or both"),
        (["--output", "new"], "--per-class goes with --output"),
        (["--preview", "new", "--per-class", "3"], "--per-class goes with --output"),
        (["--preview", "new/sheets", "--output", "new", "--per-class", "3"], "choose a folder outside of it"),
        (["--preview", "new", "--output", "new/files", "--per-class", "3"], "choose a folder outside of it"),
        (["--preview", "{source}/melanoma"], "choose a folder outside of it"),
        (["--output", "{source}/new", "--per-class", "3"], "choose a folder outside of it"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused_before_anything_is_read(
    source: Path, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse("--data", str(source), *(word.format(source=source) for word in words)))
    assert not Path("new").exists()


def test_a_folder_with_files_is_never_overwritten(source: Path, written: Path) -> None:
    before = (written / "manifest.csv").read_bytes()
    with pytest.raises(UsageError, match="already contains files"):
        run(parse("--data", str(source), "--output", str(written), "--per-class", "5"))
    assert (written / "manifest.csv").read_bytes() == before
