"""What Beam ships to its workers, and what pip installs."""

import itertools
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_setup_shim_builds_the_three_packages_and_nothing_else(tmp_path: Path) -> None:
    words = [sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(tmp_path)]
    subprocess.run([*words, "egg_info", "--egg-base", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = [Path(name).parts[1:] for name in packed.getnames()]
    modules = {name[0] for name in names if name and name[-1].endswith(".py")}
    assert modules == {"melanoma", "pipelines", "jobs", "setup.py"}
    assert ("melanoma", "py.typed") in names
    assert archive.stat().st_size < 1e6  # every worker loads it


def test_the_default_bundle_is_installed_with_the_package(tmp_path: Path) -> None:
    words = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path), "build", "--build-base"]
    subprocess.run(
        [*words, str(tmp_path), "--build-lib", str(tmp_path / "lib")], cwd=ROOT, check=True, capture_output=True
    )
    installed, ours = tmp_path / "lib" / "melanoma" / "bundles", ROOT / "bundles"
    assert [path.name for path in installed.iterdir()] == ["ham10000-lite0-taught"]
    for path in (ours / "ham10000-lite0-taught").rglob("*"):
        if path.is_file():
            assert (installed / path.relative_to(ours)).read_bytes() == path.read_bytes()


def test_every_dependency_has_a_lower_bound_and_is_pinned_by_hash() -> None:
    extras = PROJECT["optional-dependencies"]
    for lock, wanted in (
        ("requirements.lock", PROJECT["dependencies"]),
        ("requirements-stores.lock", [*PROJECT["dependencies"], *extras["s3"], *extras["gcs"], *extras["azure"]]),
        ("requirements-dev.lock", [*PROJECT["dependencies"], *itertools.chain(*extras.values())]),
    ):
        text = (ROOT / lock).read_text(encoding="utf-8").lower()
        for requirement in wanted:
            assert ">=" in requirement, requirement
            name = re.split(r"[\[>=<]", requirement)[0].lower()
            assert re.search(
                rf"^{re.escape(name)}(\[\w+\])?==\S+( ;[^\\]+)? \\\n    --hash=sha256:", text, re.MULTILINE
            ), name


def test_every_python_that_is_promised_is_declared_and_tested() -> None:
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()  # type: ignore[union-attr]
    promised = [f"3.{minor}" for minor in range(int(low), int(high))]
    assert re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE) == promised
    makefile, ci = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", ".ci/run"))
    assert re.findall(r"\?= python(3\.\d+)$", makefile, re.MULTILINE) == promised
    assert "python3.11" in ci and "make test-3.12" in ci


def test_the_lock_files_agree() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+==[^ ]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-stores.lock") <= pins("requirements-dev.lock")


def test_the_extras_are_those_of_the_documentation() -> None:
    extras = {"s3", "gcs", "azure", "signing", "train", "dev", "dicom", "heic", "openvino"}
    assert set(PROJECT["optional-dependencies"]) == extras


def test_the_quick_tests_are_there() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (words,) = re.findall(r"^QUICK := (.+)$", lines, re.MULTILINE)
    for word in words.split():
        assert (ROOT / word.removeprefix("--ignore=")).exists(), word
