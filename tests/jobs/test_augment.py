"""`melanoma augment`: the training part alone, shown or written; and an audit that finds variants on two sides."""

import argparse
import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from jobs import cli
from jobs.augment import add_arguments, run
from melanoma.errors import UsageError
from tests.helpers import fill

SHARES = ("--validation-share", "0.2", "--test-share", "0.2")


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


def test_only_the_training_part_has_variants(written: Path) -> None:
    part_of = {row["image_id"]: row["part"] for row in rows_of(written / "split.csv")}
    rows = rows_of(written / "manifest.csv")
    assert set(part_of.values()) == {"train", "validation", "test"}
    assert {part_of[row["image_id"]] for row in rows} == {"train"}
    assert len(list((written / "melanoma").iterdir())) == len(list((written / "nevus").iterdir())) == 12


def test_the_source_is_as_it_was(source: Path, written: Path) -> None:
    assert written.exists()
    assert sorted(path.name for path in source.iterdir()) == ["melanoma", "nv"]
    assert len(list(source.rglob("*.*"))) == 35


def test_the_same_seed_writes_the_same_bytes(source: Path, written: Path, tmp_path: Path) -> None:
    run(parse("--data", str(source), "--output", str(tmp_path / "new"), "--per-class", "12", "--seed", "2"))
    names = sorted(path.relative_to(written).as_posix() for path in written.rglob("*.*"))
    assert len(names) == 26
    assert all((written / name).read_bytes() == (tmp_path / "new" / name).read_bytes() for name in names)


def test_an_audit_finds_variants_of_one_photograph_on_two_sides(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (written / "manifest.csv").read_text().splitlines()
    (tmp_path / "split.csv").write_text(
        "\n".join(f"{line},{part}" for line, part in zip(lines, ["part", *["train", "validation"] * 12], strict=True))
    )
    columns = ("--id-column", "file", "--label-column", "label", "--group-column", "group", "--part-column", "part")
    assert cli.main(["audit", str(tmp_path / "split.csv"), "--root", str(written), *columns]) == 1
    assert "leak" in capsys.readouterr().out.lower()


def test_a_preview_has_a_sheet_for_each_class_and_says_what_it_holds(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(source), "--preview", str(tmp_path), "--size", "32x32", "--photographs", "2")
    for look in ("augmentor", "views"):
        assert run(parse(*words, "--variants", "2", "--look", look)) == 0
        assert "do not publish" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.png", "melanoma.png", "nevus.png"]
    assert {Image.open(path).format for path in tmp_path.iterdir()} == {"PNG"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to do"),
        (["--output", "new"], "--per-class goes with --output"),
        (["--preview", "new", "--per-class", "3"], "--per-class goes with --output"),
        (["--preview", "new/sheets", "--output", "new", "--per-class", "3"], "choose a folder outside of it"),
        (["--preview", "new", "--output", "new/files", "--per-class", "3"], "choose a folder outside of it"),
        (["--preview", "{source}/melanoma"], "choose a folder outside of it"),
        (["--output", "{source}/new", "--per-class", "3"], "choose a folder outside of it"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_read(
    source: Path, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse("--data", str(source), *(word.format(source=source) for word in words)))
    assert not Path("new").exists()


def test_what_was_written_is_never_overwritten(source: Path, written: Path) -> None:
    before = (written / "manifest.csv").read_bytes()
    with pytest.raises(UsageError, match="already contains files"):
        run(parse("--data", str(source), "--output", str(written), "--per-class", "5"))
    assert (written / "manifest.csv").read_bytes() == before
