"""An audit passes only if every package was looked up."""

from typing import Any

import pytest

from tests.helpers.scripts import load

audit = load("audit")


def answer(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages), "fixes": []}


def checked(name: str, *found: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(found)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": f"Dependency not found on PyPI and could not be audited: {name} (1.0)"}


HOLE = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": "long"}


@pytest.mark.parametrize(
    ("answers", "code", "text"),
    [
        ([answer(checked("a"), checked("b"))], 0, "all 2 packages were checked; no vulnerability is known"),
        ([answer(checked("a", HOLE), checked("b"))], 1, "a 1.0: PYSEC-1, fixed in 1.1"),
        ([answer(checked("a", {**HOLE, "fix_versions": []}))], 1, "a 1.0: PYSEC-1, no fix yet"),
        # What pip-audit calls "No known vulnerabilities found", with exit code 0.
        ([answer(skipped("a"), skipped("b")), {}], 2, "NOT CHECKED: 2 of 2 packages (a, b): neither"),
        ([answer(checked("a"), skipped("b")), {}], 2, "NOT CHECKED: 1 of 2 packages (b): neither"),
        ([answer(skipped("a"), checked("b")), answer(checked("a"), checked("b"))], 0, "all 2 packages were checked"),
        ([answer(checked("a", HOLE), skipped("b")), {}], 1, "NOT CHECKED: 1 of 2 packages (b)"),
        ([{}, {}], 2, "NOT CHECKED: no service has answered; run this where"),
    ],
)
def test_what_was_not_looked_up_is_not_called_safe(answers: list[dict[str, Any]], code: int, text: str) -> None:
    found = audit.audit_of(answers)
    assert found.exit_code == code and text in str(found)
