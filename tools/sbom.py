"""Writes a bill of materials (CycloneDX) of what a lock file installs, and a table of the licences.

Usage: `make sbom`, or `python tools/sbom.py PYTHON LOCK SBOM LICENCES`, with cyclonedx-bom beside this interpreter.

The environment knows licences and who needs whom, the lock file knows hashes; neither alone is complete. The exit code
is 1, and nothing is written, if a package still lacks its licence or hashes, or is not installed as locked.
"""

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
_CLASSIFIER = "License :: OSI Approved :: "
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SIGNS = {
    "Apache-2.0": "Apache License, Version 2.0",
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD": "Redistribution and use in source and binary forms, with or without modification",
}
_INTRODUCTION = """\
# Licences of what is installed

`make sbom` writes this table and `out/sbom.cdx.json` (CycloneDX 1.6, with versions, hashes and who needs whom) from
`requirements.lock`, which is what scoring needs. The terms are those that each package states.

| package | licence |
|---|---|
"""

Component = dict[str, Any]


@dataclass(frozen=True)
class Pin:
    """One package of a lock file.

    Attributes:
        name: Normalised name.
        version: The version.
        hashes: SHA-256 of each file that may be installed, hex.
    """

    name: str
    version: str
    hashes: tuple[str, ...]


def normalised(name: str) -> str:
    """Returns a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> Iterator[Pin]:
    """Yields the packages of a lock file that this machine installs.

    Args:
        text: A requirements file with exact versions and hashes.
    """
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            wanted = Requirement(line.partition("--hash")[0].strip())
            if wanted.marker is None or wanted.marker.evaluate():
                (version,) = wanted.specifier
                yield Pin(normalised(wanted.name), version.version, tuple(_HASH.findall(line)))


def merged(document: dict[str, Any], pins: list[Pin], stated: dict[str, str]) -> dict[str, Any]:
    """Returns the bill of the locked packages only, with licences and hashes.

    Args:
        document: Bill of the whole environment, as cyclonedx-py writes it.
        pins: The lock file.
        stated: Licences by package, for those that the bill lacks.

    Raises:
        ValueError: A package is not installed as locked, or its licence or hashes are unknown; names all of them.
    """
    installed = {normalised(one["name"]): one for one in document["components"]}
    faults = [fault for pin in pins if (fault := _fault(pin, installed.get(pin.name), stated))]
    if faults:
        raise ValueError("; ".join(faults))
    components = [_complete(installed[pin.name], pin, stated) for pin in pins]
    refs = {one["bom-ref"] for one in components}
    root = document["metadata"].get("component", {}).get("bom-ref")
    edges = [
        {"ref": edge["ref"], "dependsOn": [ref for ref in edge.get("dependsOn", []) if ref in refs]}
        for edge in document.get("dependencies", [])
        if edge["ref"] in refs | {root}
    ]
    return {**document, "components": components, "dependencies": edges}


def _fault(pin: Pin, component: Component | None, stated: dict[str, str]) -> str | None:
    if component is None or component["version"] != pin.version:
        found = "not installed" if component is None else f"installed as {component['version']}"
        return f"{pin.name} {pin.version} is {found}"
    if not pin.hashes:
        return f"{pin.name} has no hash"
    return None if component.get("licenses") or pin.name in stated else f"{pin.name} states no licence"


def _complete(component: Component, pin: Pin, stated: dict[str, str]) -> Component:
    hashes = [{"alg": "SHA-256", "content": content} for content in pin.hashes]
    files = {
        "type": "distribution",
        "url": f"https://pypi.org/simple/{pin.name}/",
        "comment": "any one of these files",
        "hashes": hashes,
    }
    licences = component.get("licenses") or [{"license": {"name": stated[pin.name]}}]
    return {**component, "licenses": licences, "externalReferences": [*component.get("externalReferences", []), files]}


def licence_of(component: Component) -> str:
    """Returns the licences of a component for people, without repetitions."""
    found = dict[str, None]()
    for entry in component["licenses"]:
        licence = entry.get("license", {})
        text = entry.get("expression") or licence.get("id") or licence.get("name", "")
        found[text.removeprefix(_CLASSIFIER).splitlines()[0]] = None
    return ", ".join(found)


def stated_licences(folder: Path) -> dict[str, str]:
    """Returns what packages state in the old field `License`, or else what their licence files are, by name.

    Args:
        folder: The environment's folder of packages.
    """
    found = {}
    for info in folder.glob("*.dist-info"):
        package = importlib.metadata.Distribution.at(info)
        lines = list(package.metadata.get_all("License") or [])
        for name in package.metadata.get_all("License-File") or []:
            lines.append(_recognised(_text(info / "licenses" / name) or _text(info / name)))
        if text := next((line for line in lines if line and line != "UNKNOWN"), ""):
            found[normalised(package.metadata["Name"])] = text.splitlines()[0].strip()
    return found


def _text(file: Path) -> str:
    """Returns a licence in whatever encoding its authors wrote it; empty if there is none."""
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _recognised(text: str) -> str:
    """Returns the licence that a text is or names; empty for one that is not known here."""
    words = " ".join(text.split())
    return next((name for name, sign in _SIGNS.items() if sign in words), "")


def _environment(python: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the bill of an environment, and the licences that its packages state."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    words = [str(tool), "environment", "--pyproject", "pyproject.toml", "--output-reproducible", "--sv", "1.6", python]
    bill = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.run([python, "-c", ask], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return json.loads(bill), stated_licences(Path(folder))


def _format_fault(text: str) -> str:
    """Returns what is wrong with a bill by the schema of CycloneDX 1.6; empty if nothing is."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return "" if found is None else str(found)[:300]


def main(words: list[str] | None = None) -> int:
    """Writes both files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="interpreter of the environment")
    for name, what in (("lock", "lock file"), ("sbom", "bill to write"), ("licences", "table to write")):
        parser.add_argument(name, type=Path, help=what)
    args = parser.parse_args(words)
    document, stated = _environment(args.python)
    try:
        bill = merged(document, list(read_lock(args.lock.read_text(encoding="utf-8"))), stated)
    except ValueError as error:
        print(f"sbom: incomplete: {error}", file=sys.stderr)
        return 1
    text = json.dumps(bill, indent=1) + "\n"
    if fault := _format_fault(text):
        print(f"sbom: not CycloneDX: {fault}", file=sys.stderr)
        return 1
    args.sbom.parent.mkdir(parents=True, exist_ok=True)
    args.sbom.write_text(text, encoding="utf-8")
    rows = sorted((normalised(one["name"]), licence_of(one)) for one in bill["components"])
    table = "".join(f"| {name} | {licence} |\n" for name, licence in rows)
    args.licences.write_text(_INTRODUCTION + table, encoding="utf-8")
    print(f"{len(rows)} packages, each with its licence and hashes: {args.sbom}, {args.licences}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
