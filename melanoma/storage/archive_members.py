"""Names and kinds of an archive's members, as a file system of fsspec shows them."""

import posixpath
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

_UTF8_FLAG = 0x800
_DIRECTORY_OF_INCREMENT = b"D"  # GNU tar writes it in place of a folder in an incremental archive
_BLOCK_BYTES = 512
_MAX_LINKS = 16  # one after the other
_UNNAMED = "unnamed"


def clean_zip_names(archive: zipfile.ZipFile) -> None:
    """Renames members in memory so that each is found: no leading slash, no empty folder name, UTF-8 where it is that.

    Without the flag for UTF-8 a name is in the code page 437, as zipfile reads it. But macOS and some libraries write
    UTF-8 without the flag; other text is hardly ever valid UTF-8 by chance.
    """
    for info in archive.filelist:
        name = info.filename if info.flag_bits & _UTF8_FLAG else _as_utf8(info.filename)
        folder = "/" if name.endswith("/") else ""
        info.filename = ("/".join(filter(None, name.split("/"))) or _UNNAMED) + folder
        archive.NameToInfo[info.filename] = info


def _as_utf8(name: str) -> str:
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def mark_zip_links(fs: Any) -> None:
    """Marks the members of a zip archive that are links, whose content is the name of another file."""
    fs._get_dirs()
    for info in fs.zip.filelist:
        if stat.S_ISLNK(info.external_attr >> 16):
            fs.dir_cache[info.filename.rstrip("/")]["islink"] = True


def clean_tar_index(fs: Any) -> None:
    """Makes every member of a tar archive findable, and marks those that hold no file of their own.

    fsspec looks every path up without its leading slash, and takes devices and labels for files.
    """
    members = {_plain(member.name): member for member in fs.tar.getmembers()}
    for name, (info, *place) in list(fs.index.items()):
        member, relative = members[_plain(name)], name.lstrip("/")
        if member.type == _DIRECTORY_OF_INCREMENT:
            info["type"] = "directory"
        elif not (member.isdir() or _leads_to_file(member, members)):
            info["islink"] = True
        del fs.index[name]
        fs.index[relative] = (info | {"name": relative}, *place)


def _plain(name: str) -> str:
    return posixpath.normpath(name.lstrip("/"))


def _leads_to_file(member: tarfile.TarInfo, members: Mapping[str, tarfile.TarInfo]) -> bool:
    """Returns whether a member is a file, or a link that leads to one of the archive and not in a circle."""
    found: tarfile.TarInfo | None = member
    for _ in range(_MAX_LINKS):
        target = None if found is None else _target_of(found)
        if target is None:
            break
        found = members.get(target)
    return found is not None and found.isreg()


def _target_of(member: tarfile.TarInfo) -> str | None:
    """Returns the name of the member that a link points at; None for a member that is no link."""
    if member.issym():
        return posixpath.normpath(posixpath.join(posixpath.dirname(_plain(member.name)), member.linkname))
    return _plain(member.linkname) if member.islnk() else None


def is_whole(tar: tarfile.TarFile) -> bool:
    """Returns whether a tar archive whose members were all read stops at its end mark.

    tarfile takes the first block that is no header for the end, and so loses members of a cut or damaged archive.
    """
    file: Any = tar.fileobj
    file.seek(tar.offset)
    return bytes(file.read(_BLOCK_BYTES)) == bytes(_BLOCK_BYTES)
