"""Every kind of file under an output, damaged or replaced: each command ends with a line, and never as a defect."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from jobs.cli import main
from melanoma.runs import deferred, staging
from melanoma.runs.announcement import Announcement, announce
from melanoma.runs.heartbeat import Heartbeat
from melanoma.runs.run_history import read_series
from tests.helpers import fill
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.planned_runs import ref, rows_of, run_on

DEAD = "20260101T000000Z-00000000"
Damage = Callable[[Path], Any]


def flip(path: Path, seed: int) -> None:
    data, draw = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(3):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Damage] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": lambda path: flip(path, 1),
    "flipped again": lambda path: flip(path, 2),
    "other JSON": lambda path: path.write_bytes(b'{"run_id": "../../x", "counts": 5}\n'),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "a pipe": pipe,
    "a link": link,
    "a folder": folder,
    "gone": lambda path: path.unlink(),
}
FILES = {
    "record": "_reports/2*.json",
    "series": "_reports/nights.series",
    "heartbeat": f"_active/{DEAD}.json",
    "key": "_private/key",
    "staging key": "_private/staging_key",
    "forgotten": "_private/forgotten",
    "deferred": "_staging/*/leftovers",
    "staged": "_staging/*/*/*.arrow",
    "announced": "_staging/*/*/images.txt",
    "corrections": "_corrections/values.parquet",
    "data file": "model_id=*/*.parquet",
    "first commit": "_delta_log/00000000000000000000.json",
    "last commit": "_delta_log/*5.json",
    "checkpoint": "_delta_log/*.checkpoint.parquet",
    "last checkpoint": "_delta_log/_last_checkpoint",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """An output with every kind of file, photographs of which one is not scored yet, and what commands read."""
    home = tmp_path_factory.mktemp("archive")
    files = fill(home / "in", 4)
    for name, age, listed in (("one.csv", 40, files[:3]), ("two.csv", 41, files[:3]), ("all.csv", 41, files)):
        lines = [f"{path},{path.stem},{age}\n" for path in listed]
        (home / name).write_text("uri,image_id,age\n" + "".join(lines))
    for name in ("one.csv", "two.csv"):
        assert main(score(home, bundle_uri, name)) == 0
    (home / "uris.txt").write_text(f"{files[2]}\n")
    assert main(["table", "forget", str(home / "out"), "--uris", str(home / "uris.txt"), "--yes"]) == 0
    table_in(home / "out").promote(next(model.model_id for model in table_in(home / "out").models()))
    delta = DeltaTable(str(home / "out"))
    for stated in ("1", "2"):
        delta.alter.set_table_properties({"melanoma.test": stated}, raise_if_not_exists=False)
    delta.create_checkpoint()
    leave_what_killed_runs_leave(home / "out")
    return home


def leave_what_killed_runs_leave(output: Path) -> None:
    run = run_on(output)
    staging.write_chunk(run, 0, rows_of(run, [ref("a")]))
    announce(run, Announcement(1))
    deferred.write(run, {b"0" * 16})
    (output / "_active").mkdir(exist_ok=True)
    (output / "_active" / f"{DEAD}.json").write_bytes(
        Heartbeat(DEAD, "2026-01-01T00:00:00+00:00", "elsewhere", 1, "1").to_json()
    )


def score(home: Path, bundle_uri: str, name: str, *words: str) -> list[str]:
    source = ["--manifest", str(home / name), "--keep", "age"]
    return ["score", *source, "--bundle", bundle_uri, "--output", str(home / "out"), *words]


def damaged_copy(archive: Path, home: Path, file: str, damage: str) -> Path:
    """Returns a folder with a copy of the output in which one file is damaged."""
    shutil.copytree(archive, home, dirs_exist_ok=True)
    found = sorted((home / "out").glob(FILES[file]))
    assert found, f"the output has no {file}"
    DAMAGES[damage](found[-1])
    return home


def commands(home: Path, bundle_uri: str) -> list[list[str]]:
    """Returns the commands that read an output."""
    output = str(home / "out")
    return [
        ["table", "history", output],
        ["table", "models", output],
        ["query", output, "SELECT count(*) FROM nights"],
        ["query", output, "FROM latest"],
        ["explain", output, str(home / "in" / "lesion-0000.jpg"), "--offline"],
        ["table", "forget", output, "--uris", str(home / "uris.txt")],
        score(home, bundle_uri, "all.csv", "--dry-run"),
    ]


def assert_ends_with_a_line(words: list[str], captured: pytest.CaptureFixture[bytes]) -> None:
    code, said = main(words), captured.readouterr().err.decode()
    assert code in (0, 2, 3) and "Traceback" not in said, (words, said)
    assert code == 0 or said.startswith("melanoma: "), (words, said)


@pytest.mark.parametrize("file", FILES)
def test_a_command_that_reads_ends_with_a_line(
    archive: Path, tmp_path: Path, bundle_uri: str, file: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each damage with another command; the slow test tries them all."""
    start = list(FILES).index(file)
    for number, damage in enumerate(DAMAGES):
        home = damaged_copy(archive, tmp_path / str(number), file, damage)
        every = commands(home, bundle_uri)
        assert_ends_with_a_line(every[(start + number) % len(every)], capfdbinary)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_every_command_that_reads_ends_with_a_line(
    archive: Path, tmp_path: Path, bundle_uri: str, file: str, damage: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    home = damaged_copy(archive, tmp_path / "home", file, damage)
    for words in commands(home, bundle_uri):
        assert_ends_with_a_line(words, capfdbinary)


@pytest.mark.parametrize("file", FILES)
def test_a_run_never_denies_its_commit(
    archive: Path, tmp_path: Path, bundle_uri: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one of the damages each, as a run costs time; whatever it says, it says of what it did."""
    damage = random.Random(file).choice(["cut", "flipped", "a pipe", "other JSON"])
    home = damaged_copy(archive, tmp_path / "home", file, damage)
    before = len(list((home / "out" / "_delta_log").glob("0*.json")))
    code = main(score(home, bundle_uri, "all.csv"))
    said = capsys.readouterr().err
    is_committed = len(list((home / "out" / "_delta_log").glob("0*.json"))) > before
    assert code in (0, 2, 3) and "Traceback" not in said, (damage, said)
    assert not (is_committed and "othing was committed" in said), (damage, said)
    assert is_committed == (code == 0), (damage, said)
    if is_committed:
        last = read_series(layout_of(home / "out"))[-1]
        assert (last["outcome"], last["counts"]["scored"]) == ("committed", 1), damage
