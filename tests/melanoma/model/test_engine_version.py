"""The version of an engine is known before it is loaded, and without a look at any other one."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.model import engine_version
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
from melanoma.model.engine_names import ENGINES, F32, ONNX_RUNTIME, OPENVINO_BF16, TENSORFLOW, precision_of
from melanoma.model.engine_version import installed_version
from tests.helpers import ROOT

IN_F32 = [name for name in ENGINES if precision_of(name) == F32]


@pytest.mark.parametrize("name", IN_F32)
def test_an_engine_has_the_version_that_was_known_before(name: str, bundle_uri: str) -> None:
    assert load_engine(load_bundle(bundle_uri), 2, name).version == installed_version(name)


def test_a_precision_is_part_of_the_version() -> None:
    assert installed_version(OPENVINO_BF16) == f"openvino-{version('openvino')}-bf16"


def test_only_the_engine_in_question_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    monkeypatch.setattr(engine_version, "version", lambda package: asked.append(package) or "7.1")
    assert installed_version(ONNX_RUNTIME) == "onnxruntime-7.1-f32" and asked == [ONNX_RUNTIME]
    assert installed_version(TENSORFLOW) == "tensorflow-7.1+keras-7.1" and sorted(asked[1:]) == ["keras", TENSORFLOW]


def a_package_of(name: str, folder: Path, module: str) -> None:
    """Installs a package of version 7.1 that brings a module."""
    information = folder / f"{name.replace('-', '_')}-7.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 7.1\n")
    (information / "RECORD").write_text(f"{module}/__init__.py,,\n")
    (folder / module).mkdir()
    (folder / module / "__init__.py").touch()


@pytest.mark.parametrize("name", ["onnxruntime-gpu", "onnxruntime-of-ours"])
def test_a_library_is_known_under_another_name_of_its_package(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_package_of(name, tmp_path, "onnxruntime")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed_version(ONNX_RUNTIME) == "onnxruntime-7.1-f32"
    with pytest.raises(UsageError, match="states no version"):
        installed_version(TENSORFLOW)


def test_no_engine_is_loaded_to_know_its_version() -> None:
    code = (
        "import sys; from melanoma.model.engine_names import ENGINES; "
        "from melanoma.model.engine_version import installed_version; [installed_version(name) for name in ENGINES]; "
        "sys.exit(bool({'onnxruntime', 'openvino', 'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120, check=False).returncode == 0
