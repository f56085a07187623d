"""`melanoma bundle list` shows what can be given by name, for people and for programs."""

import json
import shutil
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.model.bundle import load_bundle


@pytest.fixture
def folder(tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the search path with a bundle `mine` and a damaged one."""
    shutil.copytree(bundle_uri, tmp_path / "mine")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "bundle.json").write_bytes(b"{")
    monkeypatch.setenv("MELANOMA_BUNDLES", str(tmp_path))
    return tmp_path


def test_the_list_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "list"]) == 0
    blocks = capsys.readouterr().out.split("\n  where ")
    assert blocks[0].startswith("mine\n  model_id  m-") and "  input     16x16\n" in blocks[0]
    assert "\n  licence   " in blocks[0] and "\n  size      1." in blocks[0]
    assert f"file://{folder}/mine\ntorn\n  size      0.0 MB\n  fault     bundle.json is not JSON" in blocks[1]
    assert "ham10000-lite0-taught\n  model_id  m-b5ff6dd4ad14\n" in "".join(blocks)
    assert "CC BY-NC 4.0" in "".join(blocks)


def test_the_list_for_programs(folder: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "list", "--json"]) == 0
    mine, torn, *_ = json.loads(capsys.readouterr().out)
    bundle = load_bundle(bundle_uri)
    assert (mine["name"], mine["model_id"], mine["labels"]) == ("mine", bundle.model_id, list(bundle.slugs))
    assert (mine["input"], mine["uri"], mine["fault"]) == ("16x16", f"file://{folder}/mine", None)
    assert torn["model_id"] is None and torn["fault"].startswith("bundle.json is not JSON")


def test_inspect_and_verify_take_a_name(folder: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "inspect", "mine"]) == 0
    assert main(["bundle", "verify", "mine"]) == 0
    assert load_bundle(bundle_uri).model_id in capsys.readouterr().out
    assert main(["bundle", "inspect", "mime"]) == 2
    assert "did you mean mine?" in capsys.readouterr().err
