"""Libraries outside the tested bounds, full disks and little memory are found before a run."""

import importlib.metadata
import os
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from melanoma.machine import Memory
from melanoma.operations import environment_checks
from melanoma.operations.checks import Result
from tests.helpers.outputs import layout_of


def test_the_tested_environment_passes() -> None:
    assert environment_checks.check_versions().result is Result.PASS


def installed(versions: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretends that packages are installed in other versions; an empty version means not installed."""
    real = importlib.metadata.version

    def version(package: str) -> str:
        found = versions.get(package) if package in versions else real(package)
        if not found:
            raise importlib.metadata.PackageNotFoundError(package)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_version_outside_the_bounds_and_a_missing_library_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    installed({"keras": "0.0.1", "pyarrow": ""}, monkeypatch)
    check = environment_checks.check_versions()
    assert check.result is Result.FAIL and "install melanoma again" in check.remedy
    assert "keras 0.0.1 (expected " in check.found and "pyarrow is missing (expected " in check.found
    assert check.found.count(";") == 1


def test_a_harmful_version_within_the_bounds_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = next(harmful for harmful in environment_checks._HARMFUL if harmful.package == "keras")
    installed({"keras": keras.first}, monkeypatch)
    assert f"keras {keras.first} {keras.why}" in environment_checks.check_versions().found
    installed({"keras": keras.fixed}, monkeypatch)
    assert keras.why not in environment_checks.check_versions().found


def test_every_harmful_version_is_of_a_library_in_use() -> None:
    used = {Requirement(text).name for text in importlib.metadata.requires("melanoma") or []}
    for harmful in environment_checks._HARMFUL:
        assert harmful.package in used
        assert Version(harmful.first) < Version(harmful.fixed)


def test_a_disk_without_enough_space_fails(tmp_path: Path) -> None:
    check = environment_checks.check_space(layout_of(tmp_path / "not" / "yet"), 1e18)
    assert check.result is Result.FAIL
    assert "output" in check.found and "temporary folder" in check.found and "GB needed" in check.found


def test_a_disk_with_enough_space_passes(tmp_path: Path) -> None:
    check = environment_checks.check_space(layout_of(tmp_path), 1.0)
    free = shutil.disk_usage(tmp_path).free
    assert check.result is Result.PASS and f"output {free / 1e9:,.1f}"[:8] in check.found


def test_without_a_local_output_only_the_temporary_folder_counts(tmp_path: Path) -> None:
    for layout in (None, layout_of("memory://scores")):
        assert "output" not in environment_checks.check_space(layout, 1.0).found


def test_too_little_memory_is_a_warning() -> None:
    check = environment_checks.check_memory(1e18)
    assert check.result is Result.WARN and "1,000,000,000.0 GB needed" in check.found and "--batch-size" in check.remedy


def test_enough_memory_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_checks, "_MIN_MEMORY", 0.0)
    assert environment_checks.check_memory(1.0).result is Result.PASS


def test_the_processors_and_the_memory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_checks.machine, "processors", lambda: 1)
    monkeypatch.setattr(environment_checks.machine, "memory", lambda: Memory(3_000_000_000, 1, True))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    check = environment_checks.check_machine()
    assert check.found == "1 processor of the machine's 4, 3.0 GB of memory as the container limits it"
    assert check.result is Result.PASS


def test_the_memory_that_counts_is_that_of_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_checks.machine, "memory", lambda: Memory(2_000_000_000, 1_600_000_000, True))
    assert environment_checks.check_memory(1.7e9).result is Result.WARN
    assert environment_checks.check_memory(1.5e9).result is Result.PASS
