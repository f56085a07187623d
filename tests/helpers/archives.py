"""Archives of small files, written to a disk."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path


def tar_of(archive: Path, files: Mapping[str, bytes]) -> str:
    """Writes a tar archive of files by name, and returns its root as a URI."""
    with tarfile.open(archive, "w") as file:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return f"tar://{archive}"


def zip_of(archive: Path, files: Mapping[str, bytes]) -> str:
    """Writes a zip archive of files by name, and returns its root as a URI."""
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return f"zip://{archive}"
