"""`melanoma samples`: what it writes, what it prints, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.samples import SamplesOptions
from tests.helpers import ROOT


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "samples"
    assert main(["samples", str(folder), "--count", "6", "--broken", "2", "--seed", "9"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        f"6 sample files in {folder}, 2 of them broken on purpose.\n"
        "They are drawn by a program; they depict no disease and prove nothing about accuracy.\n"
    )
    assert captured.err == ""
    assert len(list(folder.rglob("phantom-*"))) == 6
    assert "seed 9" in (folder / "README.txt").read_text()


def test_the_same_command_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main(["samples", str(tmp_path / name), "--count", "1", "--broken", "0"]) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert main(["samples", str(tmp_path / "c"), "--count", "1", "--broken", "0", "--seed", "1"]) == 0
    assert contents(tmp_path / "c") != contents(tmp_path / "a")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("s3://bucket/samples",), "s3://bucket/samples is not a local folder; choose one"),
        (("samples", "--count", "0"), "count must be at least 1"),
        (("samples", "--count", "many"), "argument --count: invalid int value: 'many'"),
        (
            ("file/below", "--count", "1", "--broken", "0"),
            "file/below: lies below a file; choose another path",
        ),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    assert main(["samples", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("melanoma: ") and complaint in err and err.count("\n") == 1
    assert contents(tmp_path) == {"file": b""}


def test_a_home_folder_may_be_abbreviated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["samples", "~/samples", "--count", "1", "--broken", "0"]) == 0
    assert f"1 sample file in {tmp_path / 'samples'}" in capsys.readouterr().out


def test_the_defaults_make_a_small_store() -> None:
    from jobs.cli import parse

    assert SamplesOptions.from_args(parse(["samples", "x"]).args) == SamplesOptions("x", count=200, broken=5, seed=0)


def test_the_command_starts_without_heavy_libraries() -> None:
    program = "import sys, jobs.samples; print({'numpy', 'PIL', 'keras'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
