"""What the clusters are made of is pinned, and what differs is refused."""

import re
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tools.clusters import downloads, programs
from tools.clusters.spark import _wrapped
from tools.clusters.versions import HERE, ClusterError, versions

_SHA256 = re.compile(r"[0-9a-f]{64}")


def jar(path: Path, contents: dict[str, str], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_every_version_is_pinned_by_its_digest() -> None:
    pins = versions()
    digests = [pin.sha256 for pin in (*pins.packages.values(), *pins.job_servers.values())]
    assert len(digests) == len(set(digests)) == 5
    assert all(map(_SHA256.fullmatch, digests))


def test_prism_is_that_of_the_beam_which_is_installed() -> None:
    assert f"github.com/apache/beam/sdks/v2 v{version('apache-beam')}" in (HERE / "go" / "go.mod").read_text()
    assert version("apache-beam") == downloads._BEAM_IN_GO


def test_the_digest_of_a_jar_depends_on_its_contents_only(tmp_path: Path) -> None:
    contents = {"a.class": "A" * 100, "b.class": "B", "META-INF/MANIFEST.MF": "Created-By: one"}
    turned = {"META-INF/MANIFEST.MF": "Created-By: other", "b.class": "B", "a.class": "A" * 100}
    first = downloads.content_digest([jar(tmp_path / "1.jar", contents)])
    assert downloads.content_digest([jar(tmp_path / "2.jar", turned, zipfile.ZIP_STORED)]) == first
    changed = [{**contents, "a.class": "A" * 99}, {**contents, "c.class": ""}, {"b.class": "A" * 100, "a.class": "B"}]
    for other in changed:
        assert downloads.content_digest([jar(tmp_path / "3.jar", other)]) != first


def test_a_jar_with_another_digest_is_refused_and_both_are_named() -> None:
    with pytest.raises(ClusterError, match=r"1111.*2222"):
        downloads._check("a jar", "1111", "2222")


def test_what_is_made_half_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    with pytest.raises(ClusterError), downloads._making(tmp_path / "thing") as made:
        (made / "half").touch()
        raise ClusterError
    assert list(tmp_path.iterdir()) == []
    with downloads._making(tmp_path / "thing") as made:
        (made / "whole").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["thing", "whole"]


@pytest.mark.parametrize(
    ("said", "release"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 8), ("no version", 0)],
)
def test_the_release_of_a_java_is_read_from_what_it_says(tmp_path: Path, said: str, release: int) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)
    assert programs._java_release(str(program)) == release
    assert programs._java_release(str(tmp_path / "none")) == 0


def test_a_line_of_a_manifest_has_at_most_72_bytes() -> None:
    line = "Class-Path: " + " ".join(f"file:///cache/spark/jars/library-{number}.jar" for number in range(20))
    lines = _wrapped(line).split("\r\n")
    assert max(len(part.encode()) for part in lines) <= 72
    assert lines[0] + "".join(part[1:] for part in lines[1:]) == line
    assert all(part.startswith(" ") for part in lines[1:-1])
