"""Makes the commits of a Delta table on a local disk survive a power cut."""

import urllib.parse
from pathlib import Path

from melanoma.json_values import DAMAGED, parsed
from melanoma.storage.local import sync
from melanoma.table.layout import OutputLayout


def sync_commits(folder: str, first: int, last: int) -> None:
    """Writes commits and their data files through to the disk, which Delta Lake leaves to the operating system.

    Args:
        folder: Path of the table.
        first: First version to write through; a version is readable only with all earlier ones.
        last: Last version to write through.
    """
    table = Path(folder)
    logs = [table / OutputLayout.commit_name(version) for version in range(first, last + 1)]
    # A clean-up may have removed older logs, and a compaction older data files.
    logs = [log for log in logs if log.is_file()]
    files = [path for path in [*(table / name for log in logs for name in _added(log)), *logs] if path.is_file()]
    for path in [*files, *sorted({file.parent for file in files}), table, table.parent]:
        sync(str(path))


def _added(log: Path) -> list[str]:
    """Returns the data files that a commit added; none of one that was damaged later, whose own files are synced."""
    try:
        actions = list(map(parsed, log.read_text(encoding="utf-8").splitlines()))
        names = [urllib.parse.unquote(action["add"]["path"]) for action in actions if "add" in action]
        return list(filter(OutputLayout.is_data_file, names))
    except DAMAGED:
        return []
