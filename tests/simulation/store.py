"""A store that grows, changes, loses photographs and fails on some days: real files behind a real file system."""

import json
import random
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tests.helpers import photograph

PROTOCOL = "faulty"
_FAULTS = {"forbidden": PermissionError(13, "Permission denied"), "timeout": TimeoutError("timed out")}


class FaultyFileSystem(LocalFileSystem):  # type: ignore[misc]
    """faulty://path: local files; a note beside the store says which of them cannot be read now."""

    protocol = PROTOCOL

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix(f"{PROTOCOL}://")

    def cat_file(self, path: str, *args: object, **options: object) -> bytes:
        fault = fault_of(path)
        if fault is not None:
            raise _FAULTS[fault]
        data: bytes = super().cat_file(path, *args, **options)
        return data


def register() -> None:
    """Registers the file system with fsspec in this process."""
    fsspec.register_implementation(PROTOCOL, FaultyFileSystem, clobber=True)


def fault_of(path: str) -> str | None:
    """Returns why a photograph cannot be read today: a kind of error, or None if it can."""
    note = Path(path).parent.parent / "fault.json"
    if not note.exists():
        return None
    fault = json.loads(note.read_text())
    hit = fault["share"] >= 1 or random.Random(f"{fault['seed']}{Path(path).name}").random() < fault["share"]
    return str(fault["kind"]) if hit else None


class Store:
    """The photographs of a hospital, day by day."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        """Creates the store with eight photographs."""
        self.folder, self._rng, self._made = folder / "photographs", rng, 0
        self.folder.mkdir(parents=True)
        for _ in range(8):
            self.add()

    @property
    def uri(self) -> str:
        """Root that a run lists."""
        return f"{PROTOCOL}://{self.folder}"

    def add(self) -> Path:
        """Adds a photograph; some are broken in the ways in which real ones are."""
        self._made += 1
        path = self.folder / f"lesion-{self._made:04}.jpg"
        self._write(path)
        return path

    def _write(self, path: Path) -> None:
        kind = self._rng.choices(["whole", "png", "empty", "cut", "text"], [12, 3, 1, 1, 1])[0]
        data = photograph(self._rng.randrange(10_000), "png" if kind == "png" else "jpeg")
        data = {"empty": b"", "cut": data[: len(data) // 2], "text": b"no photograph"}.get(kind, data)
        arriving = path.with_suffix(".part")
        arriving.write_bytes(data)
        arriving.rename(path)  # as a store shows an object: whole, or not at all

    def pass_a_day(self) -> None:
        """Adds, overwrites and removes photographs."""
        for _ in range(self._rng.randint(1, 3)):
            self.add()
        paths = sorted(self.folder.iterdir())
        if self._rng.random() < 0.5:
            self._write(self._rng.choice(paths))
        if self._rng.random() < 0.25:
            self._rng.choice(paths).unlink()

    def break_down(self, day: int) -> None:
        """Makes reading fail today: for some photographs, or on every second such day for all of them."""
        kind = self._rng.choice(sorted(_FAULTS))
        fault = {"kind": kind, "share": self._rng.choice([0.4, 1.0]), "seed": day}
        (self.folder.parent / "fault.json").write_text(json.dumps(fault))

    def recover(self) -> None:
        """Makes every photograph readable again."""
        (self.folder.parent / "fault.json").unlink(missing_ok=True)
