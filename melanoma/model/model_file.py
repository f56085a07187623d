"""Reads a model file from elsewhere, if it is of a kind that can become a bundle."""

from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError, UsageError
from melanoma.model.foreign_formats import ONNX_MODEL, ForeignFormat, recognise_file, recognise_folder
from melanoma.model.network_archive import MAX_FILE_BYTES

_MAX_NAMES = 10_000  # of a folder that is given in place of a file


def read_model(model: str) -> bytes:
    """Reads a file that may be a `.keras` archive or an ONNX model.

    Raises:
        BundleError: It is something else, too large, or a folder.
        UsageError: The file does not exist, or it cannot be read.
    """
    uri = storage.canonical(model)
    if (size := storage.size_of(uri)) > MAX_FILE_BYTES and not _folder_names(uri):
        raise BundleError(f"{model}: it has {size:,} bytes, expected a model file of at most {MAX_FILE_BYTES:,}")
    try:
        data = storage.read_bytes(uri)
    except ReadError as error:
        if not (names := _folder_names(uri)):
            raise UsageError(f"{model}: {error.detail}") from None
        found = recognise_folder(names) or ForeignFormat("a folder", "give the path of the .keras or .onnx file")
        raise _refusal(model, found) from None
    if not is_onnx(data) and (foreign := recognise_file(data)):
        raise _refusal(model, foreign)
    return data


def is_onnx(data: bytes) -> bool:
    """Tells whether a file looks like an ONNX model."""
    return recognise_file(data) == ONNX_MODEL


def _folder_names(uri: str) -> list[str]:
    """Returns the paths of files below a folder, at most `_MAX_NAMES`; none if it is not a folder."""
    names: list[str] = []
    prefix = uri.rstrip("/") + "/"
    try:
        for file in storage.list_files(uri):
            if not file.uri.startswith(prefix) or len(names) >= _MAX_NAMES:
                break
            names.append(file.uri.removeprefix(prefix))
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise UsageError(f"{uri}: {error.detail}") from None
    return names


def _refusal(model: str, found: ForeignFormat) -> BundleError:
    return BundleError(
        f"{model}: it is {found.name}; expected a .keras file of Keras 3 or an ONNX model; {found.remedy}"
    )
