"""The verdict on a run: every channel says the same because each one is told this, and nothing else.

The channels are the terminal, the message, the metrics, the run's page, the page of all runs, and the exit code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from melanoma.redaction import redacted
from melanoma.runs.records import RunRecord

GOOD, LOOK, BAD = "good", "look", "bad"


class Event(StrEnum):
    """What there is to say about a run."""

    OVER_BUDGET = "over_budget"
    DRIFT = "drift"
    DEFERRED = "deferred"
    WARNING = "warning"
    STORE_DOWN = "store_down"
    STOPPED = "stopped"
    KILLED = "killed"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Reason:
    """One thing that the operator should know.

    Attributes:
        event: What kind of thing it is.
        text: What was found, the limit if there is one, and what to do; it names no photograph.
    """

    event: Event
    text: str

    def __post_init__(self) -> None:
        """Hides secrets of URIs."""
        object.__setattr__(self, "text", redacted(self.text))


@dataclass(frozen=True)
class RunVerdict:
    """How a run ended, for all channels.

    Attributes:
        exit_code: Exit code of a process with this run alone.
        reasons: Everything that should be known, the most important first; empty if all is well.
    """

    exit_code: int
    reasons: tuple[Reason, ...] = ()

    @property
    def level(self) -> str:
        """`good`; `look` if the run is done, but there is something to know; `bad` if the exit code is not 0."""
        return BAD if self.exit_code else LOOK if self.reasons else GOOD

    def has(self, event: Event) -> bool:
        """Tells whether one of the reasons is of a kind."""
        return any(reason.event is event for reason in self.reasons)

    @property
    def marks(self) -> list[Event]:
        """The kinds of its reasons, each once."""
        return list(dict.fromkeys(reason.event for reason in self.reasons))

    def as_json(self) -> dict[str, Any]:
        """Returns the verdict as JSON values."""
        reasons = [{"event": reason.event.value, "text": reason.text} for reason in self.reasons]
        return {"level": self.level, "exit_code": self.exit_code, "reasons": reasons}


@dataclass(frozen=True)
class ReportedRun:
    """A run of one model as it is told on every channel.

    Attributes:
        record: Its record.
        content: Content of its report; empty if there is none.
        verdict: The verdict on it.
    """

    record: RunRecord
    content: Mapping[str, Any]
    verdict: RunVerdict


def read_verdict(stored: Any) -> RunVerdict | None:
    """Reads a verdict as `as_json` returns it; None if it is another value, as in records of earlier versions."""
    try:
        reasons = tuple(Reason(Event(reason["event"]), str(reason["text"])) for reason in stored["reasons"])
        return RunVerdict(int(stored["exit_code"]), reasons)
    except (KeyError, TypeError, ValueError):
        return None
