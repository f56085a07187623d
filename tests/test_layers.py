"""The import law: jobs → pipelines → melanoma, one door per library, nothing heavy before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "melanoma": {"apache_beam", "argparse", "pipelines", "jobs"},
    "pipelines": {"argparse", "jobs"},
    "jobs": {"keras", "tensorflow", "fsspec", "pyarrow", "deltalake", "duckdb", "PIL"},
}
# Rooms of melanoma/: each may use those before it, and what lies outside them none of them.
ROOMS = ("reporting", "labelled", "audit", "judging", "learning")
DOORS = {
    "fsspec": {"melanoma/storage.py"},
    "Augmentor": {"melanoma/learning/augment.py"},
    "cv2": {"melanoma/learning/views.py"},
    "imagehash": {"melanoma/audit/hashes.py"},
    "deltalake": {"melanoma/scores.py"},
    "duckdb": {"melanoma/queries.py"},
    "simplejpeg": {"melanoma/images.py"},
}
MODULES = sorted(path for package in FORBIDDEN for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of all imports, those inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            assert path.name == "cli.py", f"{path} imports by name"
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way_and_through_one_door(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    names = imported(path)
    assert not names & FORBIDDEN[name.split("/")[0]]
    assert {library for library, doors in DOORS.items() if library in names and name not in doors} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_rooms_use_those_before_them(path: Path) -> None:
    room = path.parent.name if path.parent.parent.name == "melanoma" else ""
    if path.relative_to(ROOT).parts[0] != "melanoma":
        return
    allowed = ROOMS[: ROOMS.index(room) + 1] if room else ()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[1] for name in used if name.split(".")[1:2]} & set(ROOMS) <= set(allowed)


@pytest.mark.parametrize(
    "words", [["-c", "import melanoma"], ["-m", "jobs.cli", "--help"], ["-m", "jobs.score", "--help"]]
)
def test_a_start_loads_nothing_heavy(words: list[str]) -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True, cwd=ROOT
    ).stderr
    assert "melanoma" in loaded
    heavy = ("tensorflow", "keras", "apache_beam", "deltalake", "pyarrow")
    assert not [name for name in heavy if f"{name}\n" in loaded.replace(" ", "")]


def test_reading_results_loads_neither_tensorflow_nor_beam() -> None:
    code = (
        "import sys, melanoma.queries, melanoma.scores, melanoma.bundle, melanoma.ledger, melanoma.commits;"
        "print({'tensorflow', 'keras', 'apache_beam'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "set()"
