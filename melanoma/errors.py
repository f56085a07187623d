"""The exceptions that a command reports in one line, and the closed list of reasons why a photograph has no scores."""

from enum import StrEnum


class MelanomaError(Exception):
    """An error that the user can fix; its text is one line: what was found, what was expected, what to do."""


class UsageError(MelanomaError):
    """Arguments or configuration that cannot work; raised before any photograph is read."""


class BundleError(MelanomaError):
    """A model bundle that is damaged, hostile, or does not match its own description."""


class DataError(MelanomaError):
    """Labels or photographs that cannot be used for training or evaluation."""


class NothingCommittedError(MelanomaError):
    """A run ended without a commit for a reason that may pass; starting it again resumes it."""


class ErrorKind(StrEnum):
    """Why a photograph has no probabilities: the closed list of the table's `error_kind` column."""

    # of the bytes
    EMPTY = "empty"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    ANIMATED = "animated"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    BAD_DIMENSIONS = "bad_dimensions"
    TOO_MANY_SCANS = "too_many_scans"
    # of the decoder
    DECODER_CRASH = "decoder_crash"
    DECODER_TIMEOUT = "decoder_timeout"
    OUT_OF_MEMORY = "out_of_memory"
    # of the name
    BAD_NAME = "bad_name"
    # of the store
    MISSING = "missing"
    CHANGED = "changed"
    FORBIDDEN = "forbidden"
    TIMEOUT = "timeout"
    STORE_UNAVAILABLE = "store_unavailable"
    ARCHIVED = "archived"
    # of the network
    BAD_OUTPUT = "bad_output"

    @property
    def may_heal(self) -> bool:
        """Whether a later run may succeed, so that the photograph is retried."""
        return self in MAY_HEAL

    @property
    def is_transient(self) -> bool:
        """Whether trying the same operation again in a moment may succeed."""
        return self in _TRANSIENT

    @property
    def is_store_failure(self) -> bool:
        """Whether the store is at fault and not the photograph."""
        return self in _STORE_FAILURES


_TRANSIENT = frozenset({ErrorKind.TIMEOUT, ErrorKind.STORE_UNAVAILABLE})
_STORE_FAILURES = _TRANSIENT | {ErrorKind.FORBIDDEN}
MAY_HEAL = _STORE_FAILURES | {ErrorKind.MISSING, ErrorKind.CHANGED, ErrorKind.ARCHIVED, ErrorKind.OUT_OF_MEMORY}
# Tried again only by another version of the decoder.
OF_DECODER = frozenset({ErrorKind.DECODER_CRASH, ErrorKind.DECODER_TIMEOUT})


class PhotographError(Exception):
    """One photograph that cannot be scored; it becomes a row of the table and never ends a run.

    Attributes:
        kind: Entry of the closed list.
        detail: What was found; holds no file name, address or metadata of the photograph.
    """

    def __init__(self, kind: ErrorKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class ImageError(PhotographError):
    """Bytes that cannot be decoded as a photograph."""


class ReadError(PhotographError):
    """A file that the store did not deliver."""
