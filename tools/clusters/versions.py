"""Versions and digests of what the clusters are made of: the file versions.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


class ClusterError(Exception):
    """A cluster cannot be made, started or ended; its text says what was found and what to do."""


@dataclass(frozen=True)
class Package:
    """An archive on PyPI.

    Attributes:
        package: Name on PyPI.
        version: Version.
        sha256: Digest of the archive.
        jars: Folder of the archive that holds Java's jars; empty if there is none.
    """

    package: str
    version: str
    sha256: str
    jars: str


@dataclass(frozen=True)
class JobServer:
    """A job server of Beam, built by Maven.

    Attributes:
        beam: Version of Beam's Java parts.
        sha256: Digest of the jar's contents, as `downloads.content_digest` makes it.
    """

    beam: str
    sha256: str


@dataclass(frozen=True)
class Versions:
    """All pins.

    Attributes:
        packages: Archives on PyPI, by short name.
        job_servers: Job servers, by the name of their engine.
    """

    packages: dict[str, Package]
    job_servers: dict[str, JobServer]


@cache
def versions() -> Versions:
    """Returns the pins."""
    pins = tomllib.loads((HERE / "versions.toml").read_text())
    return Versions(
        {name: Package(**pin) for name, pin in pins["pypi"].items()},
        {name: JobServer(**pin) for name, pin in pins["maven"].items()},
    )
