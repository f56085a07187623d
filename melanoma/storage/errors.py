"""What the errors of many store libraries mean, in the words of the closed list."""

import errno
import json
import os
import re
import ssl
import tarfile
import zipfile
import zlib

from melanoma.errors import ErrorKind, ReadError

MEANING = {
    ErrorKind.MISSING: "the store has no such file",
    ErrorKind.FORBIDDEN: "the store refuses access; check the credentials and their rights",
    ErrorKind.TIMEOUT: "the store did not answer in time",
    ErrorKind.STORE_UNAVAILABLE: "the store failed",
    ErrorKind.BAD_NAME: "the store cannot address this name",
    ErrorKind.CORRUPT: "the archive's member is damaged",
}
_BY_STATUS = {401: ErrorKind.FORBIDDEN, 403: ErrorKind.FORBIDDEN, 404: ErrorKind.MISSING, 408: ErrorKind.TIMEOUT}
_BY_ERRNO = {errno.EEXIST: ErrorKind.BAD_NAME, errno.ENAMETOOLONG: ErrorKind.BAD_NAME, errno.EROFS: ErrorKind.FORBIDDEN}
_BY_TYPE = (
    (FileNotFoundError | NotADirectoryError | IsADirectoryError | KeyError, ErrorKind.MISSING),
    (PermissionError, ErrorKind.FORBIDDEN),
    (TimeoutError, ErrorKind.TIMEOUT),
    (zipfile.BadZipFile | tarfile.TarError | zlib.error | NotImplementedError, ErrorKind.CORRUPT),
    (ssl.SSLError | json.JSONDecodeError, ErrorKind.STORE_UNAVAILABLE),  # a proxy's doing; both are ValueErrors too
    (ValueError, ErrorKind.BAD_NAME),
)


def kind_of(error: Exception) -> ErrorKind:
    """Classifies an error by its type and status, never by a text that may hold a name or a secret."""
    if isinstance(error, ReadError):
        return error.kind
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    for types, kind in _BY_TYPE:
        if isinstance(error, types):
            return kind
    for attribute in ("status_code", "code", "status"):
        if (kind_of_status := _BY_STATUS.get(_as_status(getattr(error, attribute, None)))) is not None:
            return kind_of_status
    name = type(error).__name__
    if "Credential" in name or str(error).startswith("Forbidden"):
        return ErrorKind.FORBIDDEN
    return ErrorKind.TIMEOUT if "Timeout" in name else ErrorKind.STORE_UNAVAILABLE


def reason_of(error: Exception) -> str:
    """Names an error without its own text: the operating system's words for it, or its type."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    native = re.search(r"\(os error (\d+)\)", str(error))
    return os.strerror(int(native[1])) if native else type(error).__name__


def _as_status(value: object) -> int:
    return value if isinstance(value, int) else 0
