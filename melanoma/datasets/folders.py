"""Folders of photographs, and folders with one subfolder per class."""

from collections.abc import Sequence

from melanoma import storage
from melanoma.datasets.labelled_files import LabelledFile, to_photographs
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.split_folders import read_folder_names
from melanoma.errors import DataError, ReadError
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.images.file_names import is_hidden, is_photograph, is_system_folder
from melanoma.storage import StoredFile


def read_folders(root: str) -> list[Photograph]:
    """Reads `root/<label>/…/<photograph>`: one folder for each class, with any folders inside it.

    Folders named like the parts of a split, above or below those of the classes, give each photograph its `part`, see
    `split_folders.read_folder_names`.

    Raises:
        DataError: The root cannot be listed, holds no photograph, holds one outside a class folder, or has folders
            that may be classes or parts.
    """
    uri_of = images_below(root)
    for stray in (path for path in uri_of if "/" not in path):
        raise DataError(f"{root}: {stray} is outside a class folder; move it to {root}/<label>/{stray}")
    meanings = read_folder_names(root, list(uri_of))
    return to_photographs(
        [
            LabelledFile(storage.stem_of(path), uri, meaning.label, part=meaning.part)
            for (path, uri), meaning in zip(uri_of.items(), meanings, strict=True)
        ]
    )


def images_below(root: str) -> dict[str, str]:
    """Returns the URI of every photograph below a folder, by its path below the folder.

    Raises:
        DataError: The folder cannot be listed, holds no photograph, or holds links or archives of photographs.
    """
    prefix = storage.canonical(root).rstrip("/") + "/"
    files = list_image_files(root)
    check_plain_files(root, files)
    for file in (file for file in files if not file.uri.startswith(prefix)):
        raise DataError(f"{file.uri}: is inside an archive, expected plain files; unpack the archive")
    return {file.uri.removeprefix(prefix): file.uri for file in files}


def list_image_files(root: str, expected: str = "a folder of photographs") -> list[StoredFile]:
    """Lists files at any depth whose name has the extension of a photograph.

    Args:
        root: Folder in any store.
        expected: What the error message asks for, where the root cannot be listed.

    Raises:
        DataError: The folder cannot be listed.
    """
    try:
        files = storage.list_files(root, is_system_folder)
        return [file for file in files if _is_named_like_photograph(storage.name_of(file.uri))]
    except ReadError as error:
        raise DataError(f"{root}: {error.detail}; expected {expected}") from error


def _is_named_like_photograph(name: str) -> bool:
    return is_photograph(name) and not is_hidden(name)


def check_plain_files(root: str, files: Sequence[StoredFile]) -> None:
    """Checks that there are photographs, and that all are plain files.

    Raises:
        DataError: There is no file, or one is a link or a device.
    """
    if not files:
        extensions = ", *".join(sorted(IMAGE_EXTENSIONS))
        raise DataError(f"{root}: no photograph below it; expected files named *{extensions}")
    for file in (file for file in files if not file.regular):
        raise DataError(f"{file.uri}: is a link or a device, expected a plain file; copy the photograph there")
