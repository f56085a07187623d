"""Files that PyTorch, Keras and scikit-learn wrote score as their own framework does, or are refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from melanoma.model import golden
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
from tests.helpers import ROOT
from tests.helpers.pipeline_runs import rows

FOLDER = ROOT / "tests" / "data" / "networks"
NETWORKS = {entry["name"]: entry for entry in json.loads((FOLDER / "networks.json").read_text())}
SOUND = [name for name, entry in NETWORKS.items() if not entry["refusal"]]
TOLERANCE, OF_HALF = 1e-5, 5e-3  # a network in 16-bit floats rounds otherwise in each library
TOGETHER = ("mobile-classic", "windows-classic", "sigmoid-dynamo", "bytes-dynamo", "keras-tf2onnx")


def tolerance(name: str) -> float:
    return OF_HALF if name.startswith("half") else TOLERANCE


def answers(name: str) -> list[dict[str, str]]:
    """Returns what the network's own framework answers, by the names of the columns."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def imported(name: str, output: Path) -> int:
    expected = FOLDER / f"{name if name in SOUND else SOUND[0]}.csv"
    check = ["--check", str(FOLDER / "pictures"), "--expect", str(expected), "--tolerance", str(tolerance(name))]
    given = [str(FOLDER / f"{name}.onnx"), "--output", str(output), *NETWORKS[name]["flags"]]
    return main(["bundle", "import", *given, *check])


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("imported")


@pytest.mark.parametrize("name", SOUND)
def test_a_file_of_another_program_answers_as_that_program_does(
    bundles: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(name, bundles / name) == 0
    assert f"6 of 6 photographs agree within {tolerance(name):g}" in capsys.readouterr().out
    bundle = load_bundle(str(bundles / name))
    pixels = golden.decode([path.read_bytes() for path in sorted(FOLDER.glob("pictures/*"))], bundle.spec)
    expected = [[float(row[label]) for label in list(row)[1:]] for row in answers(name)]
    for engine in ("onnxruntime", "openvino"):
        found = load_engine(bundle, 8, engine).score(pixels).probabilities
        np.testing.assert_allclose(found[:, -len(expected[0]) :], expected, rtol=0, atol=tolerance(name))


def test_a_run_with_several_of_them_writes_what_their_programs_answer(bundles: Path, tmp_path: Path) -> None:
    for name in TOGETHER:
        if not (bundles / name).exists():
            assert imported(name, bundles / name) == 0
    given = [word for name in TOGETHER for word in ("--bundle", str(bundles / name))]
    assert main(["score", "--images", str(FOLDER / "pictures"), *given, "--output", str(tmp_path / "scores")]) == 0
    found = {(row["model_id"], Path(row["image_uri"]).name): row for row in rows(tmp_path / "scores")}
    for name in TOGETHER:
        bundle = load_bundle(str(bundles / name))
        for expected in answers(name):
            row = found.pop((bundle.model_id, expected.pop("file")))
            scored = [row[f"p_{slug}"] for slug in bundle.slugs[-len(expected) :]]
            assert scored == pytest.approx([float(value) for value in expected.values()], rel=0, abs=TOLERANCE)
    assert not found


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in SOUND])
def test_what_a_bundle_cannot_hold_is_refused_with_what_to_do(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(name, tmp_path / "bundle") == 2
    seen = capsys.readouterr().err
    assert NETWORKS[name]["refusal"] in seen and seen.count("\n") == 1
    assert not (tmp_path / "bundle").exists()
