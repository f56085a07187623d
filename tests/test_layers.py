"""The import law: jobs → pipelines → melanoma, rooms in order, one door per library, nothing heavy too early."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.helpers.imports import PACKAGES, Import, Structure, imports, modules, room_of, structure, texts_in

# The rooms of melanoma/, top to bottom: a room may import those above it, and the single files beside them.
ROOMS = (
    *("storage", "images", "samples", "table", "model", "ingest", "runs", "queries", "operations", "reporting"),
    *("datasets", "audit", "evaluation", "training"),
)
# Labelled data and training never enter a nightly run, and a run never enters them.
LEARNING_ROOMS = {"datasets", "audit", "evaluation", "training"}
RUN_ROOMS = {"ingest", "runs", "queries", "operations", "reporting"}
NIGHTLY_MODULES = ("jobs.score", "jobs.doctor", "jobs.nightly", "pipelines")
FORBIDDEN = {
    "melanoma": {"apache_beam", "argparse", "pipelines", "jobs"},
    "pipelines": {"argparse", "jobs"},
    "jobs": {"keras", "tensorflow", "fsspec", "pyarrow", "deltalake", "duckdb", "PIL"},
}
DOORS = {
    "fsspec": ("melanoma.storage",),
    "Augmentor": ("melanoma.training.data.augmentor",),
    "cv2": ("melanoma.training.data.views",),
    "imagehash": ("melanoma.audit.perceptual_hash",),
    "deltalake": ("melanoma.table",),
    "duckdb": ("melanoma.queries",),
    "simplejpeg": ("melanoma.images",),
}
# Subfolders of a room, top to bottom.
CORRIDORS = {
    "evaluation": ("inputs", "metrics", "pages"),
    "training": ("networks", "data", "fitting", "calibration", "release"),
}


def violations(root: Path) -> list[str]:
    """Returns the violations of the import law, one line each."""
    return [f"{found.importer}:{found.line}: {why}" for found in imports(root) if (why := _fault(found))]


def _fault(found: Import) -> str | None:
    package, library = found.importer.split(".")[0], found.imported.split(".")[0]
    if library in FORBIDDEN[package]:
        return f"{package} imports {library}"
    if library in DOORS and not found.importer.startswith(DOORS[library]):
        return f"{library} is imported outside of {', '.join(DOORS[library])}"
    here, there = room_of(found.importer, ROOMS), room_of(found.imported, ROOMS)
    if there in LEARNING_ROOMS and found.importer.startswith(NIGHTLY_MODULES):
        return f"a nightly run imports {there}"
    if package == library == "jobs":
        return _fault_among_commands(found)
    if package != "melanoma" or library != "melanoma":
        return None
    if there and (not here or ROOMS.index(here) < ROOMS.index(there)):
        return f"room {here or 'melanoma'} imports {there}, which lies below it"
    if here in LEARNING_ROOMS and there in RUN_ROOMS:
        return f"room {here} imports {there}, which belongs to a run"
    return _fault_within(found, here) if here == there else None


def _fault_within(found: Import, room: str) -> str | None:
    order = CORRIDORS.get(room, ())
    here, there = (name.split(".")[2] if name.count(".") > 2 else "" for name in (found.importer, found.imported))
    if here in order and there in order and order.index(here) < order.index(there):
        return f"{room}/{here} imports {room}/{there}, which lies below it"
    return None


def _fault_among_commands(found: Import) -> str | None:
    """Commands use the folders; all but console/ use console/, none another one, and none of them uses a command."""
    here, there = _floor(found.importer), _floor(found.imported)
    is_aside = here == there == 1 and found.importer.split(".")[1] != found.imported.split(".")[1]
    return f"{found.importer} imports {found.imported}, not below it" if here < there or is_aside else None


def _floor(module: str) -> int:
    return {"console": 0, "nightly": 1, "training": 1, "maintenance": 1}.get(
        module.split(".")[1] if "." in module else "", 2
    )


def test_the_law_holds() -> None:
    assert violations(ROOT) == []


def test_every_folder_of_melanoma_is_a_room_and_says_what_it_holds() -> None:
    folders = {path.name for path in (ROOT / "melanoma").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(ROOMS)
    for package in PACKAGES:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            lines = (folder / "__init__.py").read_text(encoding="utf-8").splitlines()
            assert lines[0].startswith('"""') and lines[0].endswith('"""'), folder
            if folder.name not in ("storage", "melanoma"):
                assert len(lines) == 1, f"{folder}: an __init__.py imports nothing"


def test_only_the_layout_spells_names_under_the_output() -> None:
    names = ("_delta_log", "_staging", "_reports", "_private", "_active", "leftovers", "nights.series")
    for module, path in modules(ROOT).items():
        texts = texts_in(path.read_text(encoding="utf-8"))
        spelt = {name for name in names if any(name in text.split("/") for text in texts)}
        assert (spelt == set(names)) if module == "melanoma.table.layout" else not spelt, module


def test_the_rooms_form_no_circle() -> None:
    waiting = {name: set[str]() for name in modules(ROOT)}
    for found in imports(ROOT):
        if found.imported in waiting and found.imported != found.importer:
            waiting[found.importer].add(found.imported)
    while free := {name for name, needs in waiting.items() if not needs}:
        waiting = {name: needs - free for name, needs in waiting.items() if name not in free}
    assert waiting == {}


@pytest.mark.parametrize(
    ("module", "line", "why"),
    [
        ("melanoma/table/planted.py", "import melanoma.runs", "room table imports runs"),
        ("melanoma/table/planted.py", "import melanoma.runs.run", "room table imports runs"),
        ("melanoma/table/planted.py", "from melanoma import runs", "room table imports runs"),
        ("melanoma/table/planted.py", "from melanoma.runs import run", "room table imports runs"),
        ("melanoma/table/planted.py", "from melanoma.runs.run import Run", "room table imports runs"),
        ("melanoma/table/planted.py", "def late():\n    from melanoma.runs.run import Run", "room table imports runs"),
        ("melanoma/table/planted.py", "def late():\n    import melanoma.runs.run as r", "room table imports runs"),
        ("melanoma/errors.py", "from melanoma import storage", "room melanoma imports storage"),
        ("melanoma/runs/planted.py", "from melanoma.datasets import splits", "room runs imports datasets"),
        ("melanoma/training/planted.py", "from melanoma.runs.run import Run", "room training imports runs"),
        (
            "melanoma/evaluation/metrics/planted.py",
            "import melanoma.evaluation.pages.svg",
            "evaluation/metrics imports",
        ),
        ("melanoma/table/planted.py", "import apache_beam", "melanoma imports apache_beam"),
        ("melanoma/table/planted.py", "from jobs import cli", "melanoma imports jobs"),
        ("melanoma/table/planted.py", "import fsspec", "fsspec is imported outside"),
        ("pipelines/planted.py", "import jobs.cli", "pipelines imports jobs"),
        ("pipelines/planted.py", "def late():\n    from jobs import cli", "pipelines imports jobs"),
        ("jobs/planted.py", "from keras import layers", "jobs imports keras"),
        ("jobs/nightly/planted.py", "def late():\n    import pyarrow.parquet", "jobs imports pyarrow"),
        ("jobs/planted.py", "import deltalake", "jobs imports deltalake"),
        (
            "jobs/console/planted.py",
            "from jobs.nightly import plan",
            "imports jobs.nightly.plan, not below",
        ),
        (
            "jobs/nightly/planted.py",
            "def late():\n    from jobs import score",
            "imports jobs.score, not below",
        ),
        ("jobs/training/planted.py", "from jobs import train", "imports jobs.train, not below"),
        ("jobs/maintenance/planted.py", "from jobs import table", "imports jobs.table, not below"),
        ("jobs/nightly/planted.py", "import jobs.training.flags", "imports jobs.training.flags, not below"),
        ("jobs/score.py", "from melanoma.training.release import release", "a nightly run imports training"),
        ("jobs/nightly/planted.py", "import melanoma.datasets.splits", "a nightly run imports datasets"),
        ("pipelines/planted.py", "from melanoma import evaluation", "a nightly run imports evaluation"),
    ],
)
def test_a_planted_violation_is_seen(tmp_path: Path, module: str, line: str, why: str) -> None:
    for name, path in modules(ROOT).items():
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f'"""Stands for {name}."""\n', encoding="utf-8")
    (tmp_path / module).write_text(f"{line}\n", encoding="utf-8")
    (found,) = violations(tmp_path)
    assert why in found


@pytest.mark.parametrize(
    "line", ["from . import run", "from .run import Run", "import importlib; importlib.import_module('x')"]
)
def test_hidden_imports_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "melanoma").mkdir()
    (tmp_path / "melanoma" / "planted.py").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="planted"):
        imports(tmp_path)


def test_the_structure_of_a_tree_is_measured(tmp_path: Path) -> None:
    for name, text in {
        "melanoma/errors.py": "",
        "melanoma/table/schema.py": "import melanoma.errors",
        "melanoma/table/layout.py": "from melanoma.table import schema",
        "melanoma/runs/run.py": "from melanoma.table.layout import x\nfrom melanoma import errors",
        "pipelines/listing.py": "from melanoma.runs.run import Run",
        "jobs/score.py": "def late():\n    import pipelines.listing",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert structure(tmp_path) == Structure(modules=6, module_arrows=6, rooms=5, arrows=5, floors=5)
    (tmp_path / "melanoma" / "errors.py").write_text("import melanoma.runs.run", encoding="utf-8")
    assert structure(tmp_path).floors == 0


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
    read = "melanoma.queries.views, melanoma.table.score_table, melanoma.model.bundle, melanoma.runs.commit"
    code = f"import sys, {read}; print({{'tensorflow', 'keras', 'apache_beam'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "set()"
