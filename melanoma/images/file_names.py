"""Which file names are names of photographs, and how the others are counted."""

import fnmatch
import re
from pathlib import PurePosixPath

from melanoma.images.decoding import IMAGE_EXTENSIONS

# Extensions that may appear in a report; anything else after the last dot may be part of a patient's name.
_REPORTED_EXTENSIONS = {
    *("7z", "avi", "avif", "bak", "bin", "bmp", "bz2", "cr2", "csv", "dat", "db", "dcm", "dicom", "dng"),
    *("doc", "docx", "gif", "gz", "heic", "heif", "hif", "html", "ini", "j2k", "jp2", "jpeg", "jpg"),
    *("json", "jxl", "log", "md", "mov", "mp4", "nef", "nii", "npy", "parquet", "part", "pdf"),
    *(
        "png",
        "pptx",
        "rar",
        "raw",
        "rtf",
        "svg",
        "tar",
        "tbz2",
        "tgz",
        "tif",
        "tiff",
        "tmp",
        "toml",
        "tsv",
        "txt",
        "txz",
    ),
    *("webp", "wmv", "xls", "xlsx", "xml", "xmp", "xz", "yaml", "yml", "zip", "zst"),
}

# Folders in which desktop systems and network storage keep thumbnails, deleted files, snapshots and old versions. Those
# whose names begin with a dot are not listed here: all of them are ignored.
_SYSTEM_FOLDERS = {
    *(
        "__macosx",
        "$recycle.bin",
        "recycler",
        "recycled",
        "system volume information",
        "lost+found",
        "network trash folder",
    ),
    *("@eadir", "@tmp", "@sharebin", "@sharesnap", "#recycle", "#snapshot"),  # Synology
    *("@recycle", "@recently-snapshot", "@snapshot"),  # QNAP
    *("~snapshot", "temporary items", "trashbox"),  # NetApp, Apple, Buffalo
    *("files_trashbin", "files_versions"),  # Nextcloud
}

# Snapshots of Windows and Samba, what a check of a Windows disk recovered, previews of Lightroom.
_BY_PATTERN = re.compile(r"@gmt-[0-9.-]+|found\.[0-9]{3}|.*\.lrdata")


def is_system_folder(name: str) -> bool:
    """Tells whether a folder is hidden or belongs to an operating system or a network storage.

    Args:
        name: Last part of its path.
    """
    is_dotted = name.startswith(".") and name not in (".", "..")
    return is_dotted or name.lower() in _SYSTEM_FOLDERS or _BY_PATTERN.fullmatch(name.lower()) is not None


def is_hidden(name: str, pattern: str | None = None) -> bool:
    """Tells whether a file is hidden, such as Apple's `._IMG_1.jpg`, which holds no picture.

    Args:
        name: Last part of its path.
        pattern: Glob for photographs; one that begins with a dot asks for hidden files.
    """
    return name.startswith(".") and not (pattern or "").startswith(".")


def is_photograph(name: str, pattern: str | None = None) -> bool:
    """Tells whether a file's name is that of a photograph.

    Args:
        name: Last part of the file's path.
        pattern: Glob that the name must match, in any case; None for the extensions of images.
    """
    if pattern is not None:
        return fnmatch.fnmatchcase(name.lower(), pattern.lower())
    return _extension(name) in IMAGE_EXTENSIONS


def _extension(name: str) -> str:
    """Returns the extension of a name in lower case, as pathlib has it, which takes ten times as long."""
    place = name.rfind(".")
    return name[place:].lower() if 0 < place < len(name) - 1 else ""


def explains_folder(name: str) -> bool:
    """Tells whether a file is a README, which nobody expects to be scored: it is ignored without being counted."""
    return PurePosixPath(name).stem.lower() == "readme"


def reported_extension(name: str) -> str:
    """Returns under which heading an ignored file is counted: its extension, if that is a common one."""
    extension = _extension(name)
    if not extension:
        return "no extension"
    return extension if extension[1:] in _REPORTED_EXTENSIONS else "another extension"
