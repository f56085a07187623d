"""`melanoma table forget`: erases photographs permanently."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.console.wording import are, counted
from jobs.maintenance.action import TableAction

if TYPE_CHECKING:
    from melanoma.operations.erasure import Erased
    from melanoma.operations.erasure_search import Found
    from melanoma.table.pseudonyms import Pseudonyms


@dataclass(frozen=True)
class Forget(TableAction):
    """`table forget`.

    Attributes:
        uris: File that lists the photographs.
        yes: Whether to erase them; otherwise they are only counted.
    """

    uris: str
    yes: bool

    def run(self) -> None:
        """Erases the photographs that the file lists, or counts what would be erased."""
        from melanoma.operations import erasure, erasure_search
        from melanoma.reporting.publish import forget
        from melanoma.table.pseudonyms import Pseudonyms

        uris = erasure_search.read_uris(self.uris)
        if not self.yes:
            table = self._open()
            found = erasure_search.find(table, uris)
            names = _with_pseudonyms(found, Pseudonyms.known_to(table.layout))
            _describe(found, erasure.erase(table, found, dry_run=True), forget(table.layout, names, dry_run=True))
            return
        with self._without_runs() as table:
            found = erasure.remember(table, uris)
            reports = forget(table.layout, _with_pseudonyms(found, Pseudonyms.known_to(table.layout)))
            erased = erasure.erase(table, found)
        _warn(found)
        print(
            f"{counted(found.asked, 'photograph')} forgotten: {counted(found.all_rows, 'row')}{_copies(found)}, "
            f"{counted(erased.files, 'replaced data file')} and {counted(erased.staged, 'staged file')} deleted, "
            f"{counted(reports, 'report')} changed; {found.unknown:,} not in the table. No later run will score them. "
            "Backups, exports and older versions in a bucket may still hold them; delete them there too"
        )


def _with_pseudonyms(found: "Found", pseudonyms: "Pseudonyms | None") -> set[str]:
    """Returns all that a report could call the photographs; without a key no report has a pseudonym."""
    hashed = () if pseudonyms is None else map(pseudonyms.pseudonym, found.names)
    return {*found.names, *hashed}


def _describe(found: "Found", erased: "Erased", reports: int) -> None:
    """Prints what would be erased."""
    facts = {
        "in the table": f"{found.asked - found.unknown:,}, and {found.unknown:,} not",
        "bytes known": f"of {found.asked - found.unread:,}, and not of {found.unread:,}",
        "rows": f"{found.all_rows:,}{_copies(found)}",
        "data files": f"{erased.files:,}",
        "staged files": f"{erased.staged:,}",
        "reports": f"{reports:,}",
    }
    print(f"{counted(found.asked, 'photograph')} would be forgotten")
    print(*(f"  {name:<13} {value}" for name, value in facts.items()), sep="\n")
    _warn(found)
    print("nothing was changed; run again with --yes. It cannot be undone")


def _copies(found: "Found") -> str:
    if not found.copied_rows:
        return ""
    return f" ({found.copied_rows:,} of the same bytes under {counted(len(found.copies), 'other name')})"


def _warn(found: "Found") -> None:
    """Warns of names that may be misspelt, and of photographs that would be known by their names only."""
    warnings = []
    if found.unknown:
        warnings.append(
            f"{found.unknown:,} of {counted(found.asked, 'name')} {are(found.unknown)} not in the table. Check the "
            "spelling; melanoma explain prints a name as the table has it"
        )
    if found.unread:
        warnings.append(
            f"{found.unread:,} of {counted(found.asked, 'photograph')} {are(found.unread)} remembered by name only: "
            "neither the table nor the store has their bytes now. A copy under another name would be scored"
        )
    for warning in warnings:
        print(f"melanoma: warning: {warning}", file=sys.stderr)
