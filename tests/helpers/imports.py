"""Which modules a tree imports, read from its source: every form of import, those inside functions too."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("jobs", "pipelines", "melanoma")


class Import(NamedTuple):
    """One import of one module.

    Attributes:
        importer: Dotted name of the module that imports.
        imported: Dotted name of what is imported: a module, or a name in it.
        line: Line number, from 1.
    """

    importer: str
    imported: str
    line: int


def modules(root: Path) -> dict[str, Path]:
    """Returns every module of the three packages below `root`, by dotted name."""
    paths = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return {_dotted(path.relative_to(root)): path for path in paths}


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path) -> list[Import]:
    """Returns every import of every module, `from package import module` resolved to the module.

    Raises:
        ValueError: A module imports relatively, or by a name that cannot be read from the source.
    """
    known = modules(root)
    return [found for name, path in known.items() for found in _of_module(name, path, known)]


def _of_module(name: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}:{node.lineno}: relative import; write the whole name")
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield Import(name, member if member in known else node.module, node.lineno)
        elif isinstance(node, ast.Call) and _is_import_by_name(node) and name != "jobs.cli":
            raise ValueError(f"{path}:{node.lineno}: import by name; only jobs.cli may, for its commands")


def _is_import_by_name(node: ast.Call) -> bool:
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return called in ("import_module", "__import__")


def texts_in(source: str) -> list[str]:
    """Returns the string constants of a module, without docstrings; of an f-string its constant parts."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and _has_doc(node)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return [node.value for node in constants if isinstance(node.value, str)]


def _has_doc(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def room_of(module: str, rooms: tuple[str, ...]) -> str:
    """Returns the room of a module of `melanoma`: its folder, or `""` for a single file at the top."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "melanoma" and parts[1] in rooms else ""


class Structure(NamedTuple):
    """How the modules of a tree hang together.

    Attributes:
        modules: Number of modules.
        module_arrows: Pairs of modules of which one imports the other.
        rooms: Number of rooms: each folder and each single file of `melanoma` and of `jobs`, and `pipelines`.
        arrows: Pairs of rooms of which one imports the other.
        floors: Number of rooms on the longest way down; 0 where rooms import each other in a circle.
    """

    modules: int
    module_arrows: int
    rooms: int
    arrows: int
    floors: int


def structure(root: Path) -> Structure:
    """Measures the tree below `root`."""
    known = modules(root)
    between = {
        (found.importer, found.imported)
        for found in imports(root)
        if found.imported in known and found.imported != found.importer
    }
    rooms = {name: _room(name) for name in known}
    arrows = {(rooms[a], rooms[b]) for a, b in between if rooms[a] != rooms[b]}
    return Structure(
        len(known), len(between), len(set(rooms.values())), len(arrows), _floors(set(rooms.values()), arrows)
    )


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] == "pipelines" else ".".join(parts[:2])


def _floors(rooms: set[str], arrows: set[tuple[str, str]]) -> int:
    below, floors = {room: {b for a, b in arrows if a == room} for room in rooms}, 0
    while below:
        lowest = {room for room, needs in below.items() if not needs}
        if not lowest:
            return 0
        below = {room: needs - lowest for room, needs in below.items() if room not in lowest}
        floors += 1
    return floors
