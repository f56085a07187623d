"""`melanoma explain --images`: what it prints about a root that real runs have scored."""

import json
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from jobs.cli import main, parse
from jobs.nightly.root_account import AccountOptions
from tests.helpers import fill, photograph
from tests.helpers.pipeline_runs import run_once


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """Two scored photographs of which one has changed, a broken one, a new one and a text file; tests read only."""
    folder = tmp_path_factory.mktemp("account")
    paths = fill(folder / "in", 2)
    (folder / "in" / "broken.jpg").write_bytes(b"")
    run_once(folder / "in", folder / "out", bundle_uri)
    paths[0].write_bytes(photograph(77))
    (folder / "in" / "new.jpg").write_bytes(photograph(78))
    (folder / "in" / "notes.txt").write_bytes(b"")
    return folder


def test_arguments_become_options() -> None:
    words = ["explain", "t", "--images", "a", "--images", "b", "--pattern", "*.jpg", "--model", "m", "--json"]
    assert AccountOptions.from_args(parse(words).args) == AccountOptions(
        images=("a", "b"),
        pattern="*.jpg",
        manifest=None,
        keep=(),
        since=None,
        uri_base=None,
        table="t",
        model="m",
        names=None,
        json=True,
    )


def test_every_reason_is_printed_with_its_number(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(scored / "out"), "--images", str(scored / "in")]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("1 of 4 listed photographs are in the table with scores of ") and "(m-" in first
    assert lines == [
        "  1  scored",
        "  1  failed: empty",
        "  1  changed since it was scored; the next run scores it",
        "  1  new since the last run; the next run scores it",
        "  1  file that is ignored: .txt",
    ]
    assert str(scored) not in "\n".join(lines)


def test_json_has_the_same_numbers(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(scored / "out"), "--images", str(scored / "in"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["model_id", "model_name", "listed", "photographs", "ignored"]
    assert document["listed"] == 4 == sum(one["photographs"] for one in document["photographs"])
    assert document["photographs"][1] == {
        "reason": "failed",
        "next_run": "skip",
        "error_kind": "empty",
        "photographs": 1,
    }
    assert document["ignored"] == {".txt": 1}


@pytest.mark.parametrize("name", ["names.csv", "names.parquet"])
def test_names_are_written_to_a_file_and_nowhere_else(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    target, words = tmp_path / name, ["explain", str(scored / "out"), "--images", str(scored / "in")]
    assert main([*words, "--names", str(target)]) == 0
    captured = capsys.readouterr()
    assert captured.err == f"4 photographs written to {target}\n" and "lesion-" not in captured.out
    read = pyarrow.csv.read_csv if target.suffix == ".csv" else pyarrow.parquet.read_table
    rows = {row["image_id"]: row for row in read(target).to_pylist()}
    assert {name: row["reason"] for name, row in rows.items()} == {
        "lesion-0000": "changed",
        "lesion-0001": "scored",
        "broken": "failed",
        "new": "new",
    }
    assert rows["broken"]["image_uri"] == f"file://{scored}/in/broken.jpg" and rows["broken"]["error_kind"] == "empty"
    assert main([*words, "--names", str(tmp_path / "names.txt")]) == 2
    assert "unknown file format" in capsys.readouterr().err and not (tmp_path / "names.txt").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give the URI of one photograph, or --images or --manifest for all of a root"),
        (["a.jpg", "--images", "in"], "give either the URI of one photograph, or --images or --manifest"),
        (["a.jpg", "--model", "m"], "give either the URI of one photograph, or --images or --manifest"),
        (["--images", "in", "--manifest", "m.csv"], "give either --images URI (once or several times) or --manifest"),
        (["--images", "in", "--offline"], "--bundle and --offline are about one photograph, whose URI is missing"),
        (["in"], "no such photograph in the score table; "),
        (["--images", "absent-folder"], "absent-folder: does not exist"),
        (["--images", "in", "--model", "m-1"], "no row of 'm-1'; the table has "),
    ],
)
def test_a_mistake_exits_with_2(
    scored: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(scored)
    assert main(["explain", "out", *words]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.out == ""
