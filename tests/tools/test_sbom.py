"""A bill of materials has the licence and the hashes of every locked package, or none is written."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tests.helpers.scripts import load

HASHES = tuple(digit * 64 for digit in "abc")
LOCK = f"""\
# a comment
Some_Lib==1.2 \\
    --hash=sha256:{HASHES[0]} \\
    --hash=sha256:{HASHES[1]}
    # via other
other==3.0 ; python_version >= '3.8' \\
    --hash=sha256:{HASHES[2]}
elsewhere==1.0 ; sys_platform == 'plan9' \\
    --hash=sha256:{HASHES[2]}
"""


sbom = load("sbom")


def component(name: str, version: str, licence: str | None = "MIT") -> dict[str, Any]:
    found = {"bom-ref": f"{name}=={version}", "name": name, "version": version, "type": "library"}
    return found | ({"licenses": [{"license": {"id": licence}}]} if licence else {})


def document(*components: dict[str, Any]) -> dict[str, Any]:
    edges = [
        {"ref": "root", "dependsOn": ["some.lib==1.2", "unlocked==9"]},
        {"ref": "some.lib==1.2", "dependsOn": ["other==3.0", "unlocked==9"]},
        {"ref": "unlocked==9"},
    ]
    return {"metadata": {"component": {"bom-ref": "root"}}, "components": list(components), "dependencies": edges}


WHOLE = (component("some.lib", "1.2"), component("other", "3.0", None), component("unlocked", "9"))


def test_a_lock_file_is_read_with_its_hashes_and_for_this_machine() -> None:
    assert list(sbom.read_lock(LOCK)) == [
        sbom.Pin("some-lib", "1.2", HASHES[:2]),
        sbom.Pin("other", "3.0", HASHES[2:]),
    ]


def test_the_bill_has_the_locked_packages_with_licences_and_hashes() -> None:
    bill = sbom.merged(document(*WHOLE), list(sbom.read_lock(LOCK)), {"other": "BSD", "some-lib": "not asked"})
    assert [(one["name"], sbom.licence_of(one)) for one in bill["components"]] == [
        ("some.lib", "MIT"),
        ("other", "BSD"),
    ]
    hashes = [file["hashes"] for one in bill["components"] for file in one["externalReferences"]]
    assert [tuple(found["content"] for found in each) for each in hashes] == [HASHES[:2], HASHES[2:]]
    assert bill["dependencies"] == [
        {"ref": "root", "dependsOn": ["some.lib==1.2"]},
        {"ref": "some.lib==1.2", "dependsOn": ["other==3.0"]},
    ]


@pytest.mark.parametrize(
    ("components", "lock", "complaint"),
    [
        (WHOLE, LOCK, "other states no licence"),
        (WHOLE[1:], LOCK, "some-lib 1.2 is not installed"),
        ((component("some.lib", "1.3"), *WHOLE[1:]), LOCK, "some-lib 1.2 is installed as 1.3"),
        (WHOLE, "some.lib==1.2\n", "some-lib has no hash"),
    ],
)
def test_a_bill_that_would_be_incomplete_is_refused(
    components: tuple[dict[str, Any], ...], lock: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        sbom.merged(document(*components), list(sbom.read_lock(lock)), {})


@pytest.mark.parametrize(
    ("header", "file", "expected"),
    [
        ("License: BSD\n", "", "BSD"),
        ("License-File: LICENSE\n", "Licensed under the Apache License,\n  Version 2.0 (the", "Apache-2.0"),
        (
            "License: UNKNOWN\nLicense-File: LICENSE\n",
            "Permission is hereby granted, free of charge, to any person obtaining a copy",
            "MIT",
        ),
        ("License-File: LICENSE\n", "Ask us.", None),
        ("", "", None),
    ],
)
def test_a_licence_that_is_not_a_classifier_is_found(
    tmp_path: Path, header: str, file: str, expected: str | None
) -> None:
    info = tmp_path / "lib-1.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: A.Lib\nVersion: 1\n{header}")
    (info / "licenses" / "LICENSE").write_text(file)
    assert sbom.stated_licences(tmp_path) == ({} if expected is None else {"a-lib": expected})


def test_a_licence_in_another_encoding_is_read(tmp_path: Path) -> None:
    info = tmp_path / "lib-1.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: lib\nVersion: 1\nLicense-File: LICENSE\n")
    text = "Copyright André\n" + next(iter(sbom._SIGNS.values()))
    (info / "licenses" / "LICENSE").write_bytes(text.encode("latin-1"))
    assert sbom.stated_licences(tmp_path) == {"lib": next(iter(sbom._SIGNS))}


def test_the_document_of_licences_names_the_locked_packages() -> None:
    named = set(re.findall(r"^\| (\S+) \| .+ \|$", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE))
    locked = {pin.name for pin in sbom.read_lock((ROOT / "requirements.lock").read_text())}
    assert named - {"package"} == locked, "run make sbom"


def test_a_bill_is_json_without_anything_of_this_machine() -> None:
    bill = sbom.merged(document(*WHOLE), list(sbom.read_lock(LOCK)), {"other": "BSD"})
    assert str(Path.home()) not in json.dumps(bill)
