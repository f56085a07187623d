"""What can go wrong, as few types that a user or a table can name."""

from enum import StrEnum


class MelanomaError(Exception):
    """A fault that a person can mend: one line of what was found, what was expected and what to do."""


class UsageError(MelanomaError):
    """Arguments or configuration that cannot work; nothing was read."""


class BundleError(MelanomaError):
    """A model bundle that is damaged, hostile or does not fit its own description."""


class DataError(MelanomaError):
    """Labels or photographs that cannot be trained on or judged with."""


class NothingCommittedError(MelanomaError):
    """A run that ended without a commit for a reason that may pass; the next start goes on from there."""


class ErrorKind(StrEnum):
    """Why a photograph has no probabilities: the closed list of the table's `error_kind` column."""

    # the bytes
    EMPTY = "empty"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    ANIMATED = "animated"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    BAD_DIMENSIONS = "bad_dimensions"
    TOO_MANY_SCANS = "too_many_scans"
    # the name
    BAD_NAME = "bad_name"
    # the store
    MISSING = "missing"
    CHANGED = "changed"
    FORBIDDEN = "forbidden"
    TIMEOUT = "timeout"
    STORE_UNAVAILABLE = "store_unavailable"
    # the network
    BAD_OUTPUT = "bad_output"

    @property
    def may_heal(self) -> bool:
        """Whether the same photograph may well succeed on another night."""
        return self in MAY_HEAL

    @property
    def is_transient(self) -> bool:
        """Whether asking the store again, some time later, may well help."""
        return self in _PASSING

    @property
    def is_store_failure(self) -> bool:
        """Whether the store, not the photograph, is at fault."""
        return self in _OF_THE_STORE


_PASSING = frozenset({ErrorKind.TIMEOUT, ErrorKind.STORE_UNAVAILABLE})
_OF_THE_STORE = _PASSING | {ErrorKind.FORBIDDEN}
MAY_HEAL = _OF_THE_STORE | {ErrorKind.MISSING, ErrorKind.CHANGED}


class PhotographError(Exception):
    """One photograph that cannot be scored; it becomes a row, never the end of a run.

    Attributes:
        kind: The entry of the closed list.
        detail: What was found, free of file names, addresses and metadata of the photograph.
    """

    def __init__(self, kind: ErrorKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class ImageError(PhotographError):
    """Bytes that are refused as a photograph."""


class ReadError(PhotographError):
    """A photograph that the store did not give."""
