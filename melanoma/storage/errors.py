"""Translates the exceptions of many store libraries into the closed list of error kinds; never quotes their texts."""

import errno
import json
import os
import re
import ssl
import tarfile
import zipfile
import zlib

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.connection_errors import connection_reason, number_of
from melanoma.storage.credential_errors import (
    DELTA_REFUSALS,
    REFUSING_CODES,
    advice_for,
    code_of,
    credentials_reason,
    quoted_reason,
    statuses,
)


class WrongAnswerError(Exception):
    """An answer that no store should send, as from a broken gateway; its text is ours and names nothing."""


MEANING = {
    ErrorKind.MISSING: "the store has no such file",
    ErrorKind.FORBIDDEN: "the store refuses access; check the credentials and their rights",
    ErrorKind.TIMEOUT: "the store did not answer in time",
    ErrorKind.STORE_UNAVAILABLE: "the store failed",
    ErrorKind.BAD_NAME: "the store cannot address this name",
    ErrorKind.CORRUPT: "the archive's member is damaged",
    ErrorKind.CHANGED: "the file was overwritten after it had been listed",
    ErrorKind.ARCHIVED: "the object is archived, restore it",
}
_BY_STATUS = {
    412: ErrorKind.CHANGED,
    401: ErrorKind.FORBIDDEN,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.MISSING,
    408: ErrorKind.TIMEOUT,
}
# Codes in the answers of S3, which its library's exceptions do not tell apart.
_BY_CODE = {
    **dict.fromkeys(REFUSING_CODES, ErrorKind.FORBIDDEN),
    "InvalidObjectState": ErrorKind.ARCHIVED,
    "InvalidArgument": ErrorKind.BAD_NAME,
    "NoSuchVersion": ErrorKind.MISSING,
    "MethodNotAllowed": ErrorKind.MISSING,  # the version is the note that the object was deleted
    "PreconditionFailed": ErrorKind.CHANGED,
}
_BY_ERRNO = {
    errno.EROFS: ErrorKind.FORBIDDEN,
    **dict.fromkeys((errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ), ErrorKind.BAD_NAME),
}
_BY_TYPE = (
    (FileNotFoundError | NotADirectoryError | IsADirectoryError | KeyError, ErrorKind.MISSING),
    (PermissionError, ErrorKind.FORBIDDEN),
    (FileExistsError, ErrorKind.BAD_NAME),  # stores raise it without the errno of a local disk
    (TimeoutError, ErrorKind.TIMEOUT),
    (zipfile.BadZipFile | tarfile.TarError | zlib.error | NotImplementedError, ErrorKind.CORRUPT),
    (ssl.SSLError | json.JSONDecodeError, ErrorKind.STORE_UNAVAILABLE),  # caused by a proxy; both are ValueErrors too
    (ValueError, ErrorKind.BAD_NAME),
)
_UNREADABLE_ANSWERS = ("DeserializationError",)  # of Azure's library; it is a ValueError, too
# The type is of AWS's library, which then asks no store; the code is of Azure's answers.
_IMPOSSIBLE_NAME, _IMPOSSIBLE_NAME_CODE = "ParamValidationError", "InvalidResourceName"
_TIMED_OUT = "operation timed out"  # as Delta Lake's library says it
_REFUSED = re.compile("|".join((*DELTA_REFUSALS, r"\(os error (?:1|13|30)\)")))
# Codes and sentences of S3, Azure and Google Cloud, as Delta Lake quotes them.
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified (?:bucket|container) does not exist")


def kind_of(error: Exception) -> ErrorKind:
    """Classifies an error by its type and status, never by a text that may hold a name or a secret."""
    if isinstance(error, ReadError):
        return error.kind
    if (code := code_of(error)) in _BY_CODE and not isinstance(error, FileExistsError):
        return _BY_CODE[code]
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    if type(error).__name__ in _UNREADABLE_ANSWERS:
        return ErrorKind.STORE_UNAVAILABLE
    if type(error).__name__ == _IMPOSSIBLE_NAME or getattr(error, "error_code", "") == _IMPOSSIBLE_NAME_CODE:
        return ErrorKind.BAD_NAME
    for types, kind in _BY_TYPE:
        if isinstance(error, types):
            return kind
    for status in statuses(error):
        if status in _BY_STATUS:
            return _BY_STATUS[status]
    name = type(error).__name__
    if "Credential" in name or credentials_reason(error) is not None or str(error).startswith("Forbidden"):
        return ErrorKind.FORBIDDEN
    return ErrorKind.TIMEOUT if "Timeout" in name else ErrorKind.STORE_UNAVAILABLE


def is_refused(error: Exception) -> bool:
    """Tells whether access was refused, so that trying again is useless until a person has changed something.

    Delta Lake's errors have neither a type nor a status, so its text is searched, but never quoted.
    """
    return kind_of(error) is ErrorKind.FORBIDDEN or _REFUSED.search(str(error)) is not None


def is_missing_bucket(error: Exception) -> bool:
    """Tells whether an error of Delta Lake says that the store has no such bucket or container.

    The error has neither a type nor a status, so its text is searched, but never quoted.
    """
    return _NO_BUCKET.search(str(error)) is not None


def reason_of(error: Exception) -> str:
    """Returns a short cause of an error without its own text: the operating system's message, or the type's name."""
    if isinstance(cause := getattr(error, "inner_exception", None), Exception):  # of Azure's library
        error = cause
    if credentials := credentials_reason(error):
        return credentials
    if isinstance(error, WrongAnswerError):
        return str(error)
    if connection := connection_reason(error):
        return connection
    if number := number_of(error):
        return os.strerror(number)
    if credentials := quoted_reason(error):
        return credentials
    if _TIMED_OUT in str(error):
        return MEANING[ErrorKind.TIMEOUT]
    return type(error).__name__


def detail_of(error: Exception) -> str:
    """Returns a one-line description of an error: what it means, and its cause."""
    if credentials := credentials_reason(error):
        return credentials
    if kind_of(error) in (ErrorKind.CHANGED, ErrorKind.ARCHIVED):
        return MEANING[kind_of(error)]
    return f"{MEANING[kind_of(error)]} ({reason_of(error)})"


def with_advice(refused: ReadError) -> str:
    """Returns what an error of refused access says, with what to do: it lacks that where no credentials were found."""
    if refused.detail.startswith(MEANING[ErrorKind.FORBIDDEN]):
        return refused.detail
    return f"{refused.detail}; {advice_for(refused.detail)}"
