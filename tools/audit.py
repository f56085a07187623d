"""Looks up known vulnerabilities of what a lock file installs; fails where nothing could be looked up.

Usage: `make audit`, or `python tools/audit.py LOCK`, with pip-audit beside this interpreter.

pip-audit says "no known vulnerabilities" even if the index in use answered for no package at all. So its list is read:
a package counts as checked only if PyPI's or OSV's advisories were asked for it.
Exit codes: 0 all were checked and none is known to be vulnerable; 1 some are; 2 some could not be checked.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

SERVICES = ("pypi", "osv")
_SHOWN = 5
_ELSEWHERE = "run this where https://pypi.org or https://api.osv.dev can be reached"


class Audit(NamedTuple):
    """What is known of the packages of a lock file.

    Attributes:
        checked: Names of packages of which advisories were asked.
        unchecked: Names of the others.
        vulnerable: A line for each advisory.
    """

    checked: frozenset[str]
    unchecked: frozenset[str]
    vulnerable: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Exit code of the command."""
        if self.vulnerable:
            return 1
        return 2 if self.unchecked or not self.checked else 0

    def __str__(self) -> str:
        """The result for people."""
        total = len(self.checked | self.unchecked)
        lines = list(self.vulnerable)
        if not total:
            lines.append(f"NOT CHECKED: no service has answered; {_ELSEWHERE}")
        elif self.unchecked:
            few = ", ".join(sorted(self.unchecked)[:_SHOWN]) + (", …" if len(self.unchecked) > _SHOWN else "")
            lines.append(
                f"NOT CHECKED: {len(self.unchecked)} of {total} packages ({few}): neither the index in use nor OSV has "
                f"answered for them; {_ELSEWHERE}"
            )
        elif not self.vulnerable:
            lines.append(f"all {total} packages were checked; no vulnerability is known")
        return "\n".join(lines)


def audit_of(answers: list[dict[str, Any]]) -> Audit:
    """Returns what the answers of several services say together.

    Args:
        answers: Documents of `pip-audit --format json`.
    """
    packages = [package for answer in answers for package in answer.get("dependencies", [])]
    checked = frozenset(package["name"] for package in packages if "vulns" in package and "skip_reason" not in package)
    lines = {
        f"{package['name']} {package['version']}: {found['id']}"
        + (f", fixed in {', '.join(found['fix_versions'])}" if found.get("fix_versions") else ", no fix yet"): None
        for package in packages
        for found in package.get("vulns", [])
    }
    return Audit(checked, frozenset(package["name"] for package in packages) - checked, tuple(lines))


def ask(lock: Path, service: str) -> dict[str, Any]:
    """Asks one service; returns an empty document if it cannot be reached."""
    tool = Path(sys.executable).with_name("pip-audit")
    words = [str(tool), "-r", str(lock), "--disable-pip", "--require-hashes", "-s", service, "-f", "json"]
    ended = subprocess.run([*words, "--progress-spinner", "off"], capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(ended.stdout))
    except ValueError:
        reason = (ended.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"audit: {service}: {reason[:200]}", file=sys.stderr)
        return {}


def main(words: list[str] | None = None) -> int:
    """Asks both services until every package is checked, and prints the result; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", type=Path, help="lock file")
    lock = parser.parse_args(words).lock
    answers = list[dict[str, Any]]()
    found = audit_of(answers)
    for service in SERVICES:
        answers.append(ask(lock, service))
        found = audit_of(answers)
        if found.checked and not found.unchecked:
            break
    print(found)
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
