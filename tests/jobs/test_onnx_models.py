"""`melanoma bundle import model.onnx`, from the command to a run that scores with it."""

from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from tests.helpers import fill
from tests.helpers.onnx_networks import answers, network

SCALE = "0.00392156862745098"
LABELS = ("melanoma", "nevus", "scc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds photographs, a network for BGR that returns logits, and its answers, computed by NumPy."""
    photographs = fill(tmp_path / "in", 4)
    (tmp_path / "model.onnx").write_bytes(network(ending=None, size=(20, 24)).SerializeToString())
    pixels = np.stack([decoding.decode(path.read_bytes(), ImageSpec(20, 24)) for path in photographs])
    rows = answers((pixels[..., ::-1] / 255).astype(np.float32))
    lines = [",".join([path.name, *map(str, row)]) for path, row in zip(photographs, rows.tolist(), strict=True)]
    (tmp_path / "expected.csv").write_text("\n".join([",".join(["file", *LABELS]), *lines]))
    return tmp_path


def imported(folder: Path, *words: str) -> int:
    given = [str(folder / "model.onnx"), "--output", str(folder / "bundle"), "--labels", *LABELS, "--size", "20x24"]
    check = ["--check", str(folder / "in"), "--expect", str(folder / "expected.csv"), "--tolerance", "0.0001"]
    return main(["bundle", "import", *given, "--scale", SCALE, *check, *words])


def test_a_network_of_onnx_is_checked_imported_and_scores(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(folder, "--outputs", "logits", "--channels", "bgr") == 0
    assert "4 of 4 photographs agree within 0.0001" in capsys.readouterr().out
    bundle, output = str(folder / "bundle"), str(folder / "out")
    check = ["--images", str(folder / "in"), "--expect", str(folder / "expected.csv")]
    assert main(["bundle", "check", bundle, *check]) == main(["bundle", "verify", bundle]) == 0
    assert main(["bundle", "inspect", bundle]) == 0
    assert "ONNX operators 17" in capsys.readouterr().out
    assert main(["score", "--images", str(folder / "in"), "--bundle", bundle, "--output", output]) == 0
    assert "engine    onnxruntime-" in capsys.readouterr().out


def test_a_wrong_order_of_colours_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(folder, "--outputs", "logits") == 2
    seen = capsys.readouterr()
    assert "for an ONNX file --channels bgr" in seen.out and "no bundle was written" in seen.err
    assert not (folder / "bundle").exists()


def test_logits_that_are_not_named_are_refused_with_what_to_say(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(folder / "model.onnx"), "-o", str(folder / "bundle"), "--labels", *LABELS, "--size", "20x24"]
    assert main(["bundle", "import", *given]) == 2
    assert "say what an ONNX file returns with --outputs" in capsys.readouterr().err


def test_tensorflow_cannot_run_it_and_the_run_says_so_before_it_lists(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(folder, "--outputs", "logits", "--channels", "bgr") == 0
    words = ["score", "--images", str(folder / "in"), "--bundle", str(folder / "bundle"), "--output", str(folder / "o")]
    assert main([*words, "--engine", "tensorflow"]) == 2
    assert "has no model.keras, which --engine tensorflow needs; choose" in capsys.readouterr().err
