"""The cases of `store_faults.py`: which answers of a store fail how, and how long the run may take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.helpers.small_answers import PROTOCOLS, Answer, Fault, Request

START_SECONDS = 60.0  # allowed for the start of a run and its end, on a busy machine
_DEAD_SECONDS = 300.0
_PHOTOGRAPHS, _MANY = 40, 10_000
_DRIP_SECONDS = 5.0
_ELSEWHERE = "/elsewhere"
_OF_OUTPUT = {
    "staging": r"(PUT|POST) .*_staging/.*arrow",
    "data file": r"(PUT|POST) .*parquet",
    "commit": r"PUT .*_delta_log/0+1\.json",
}
Change = Callable[[Answer], Answer | None]


@dataclass(frozen=True)
class Case:
    """One run against a store that fails.

    Attributes:
        name: What fails, and how.
        protocol: Of the photographs; empty for a local folder.
        fault: What becomes of the answers about photographs; of the output, name of a fault of the proxy.
        match: Pattern of the output's request with which its fault begins; empty for no fault there.
        flags: Further flags.
        photographs: Number of photographs.
        codes: Exit codes that are right.
        objects: How often the time for one object may pass.
        seconds: What may pass besides.
    """

    name: str
    protocol: str = ""
    fault: Fault | str = ""
    match: str = ""
    flags: tuple[str, ...] = ()
    photographs: int = _PHOTOGRAPHS
    codes: tuple[int, ...] = (3,)
    objects: float = 1.0
    seconds: float = START_SECONDS

    def limit(self, object_timeout: float) -> float:
        """Returns within how many seconds the run has to end."""
        return min(self.objects * object_timeout + self.seconds, _DEAD_SECONDS + START_SECONDS)


def _silence(answer: Answer) -> Answer | None:
    return None


def _drip(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, answer.body, pause=_DRIP_SECONDS)


def _reset(answer: Answer) -> Answer:
    return Answer(0, {}, is_reset=True)


def _redirect(answer: Answer) -> Answer:
    return Answer(307, {"Location": _ELSEWHERE})


def _unavailable(answer: Answer) -> Answer:
    return Answer(503, {"Retry-After": "3600"}, b"<Error><Code>SlowDown</Code><Message>slow</Message></Error>")


_FAULTS: dict[str, Change] = {
    "silence": _silence,
    "drip": _drip,
    "reset": _reset,
    "redirect": _redirect,
    "503": _unavailable,
}


def _of(concerned: Callable[[Request], bool], change: Change) -> Fault:
    """Returns a fault of some requests, and of those to which the client was redirected."""
    return lambda request, answer: change(answer) if concerned(request) or request.path == _ELSEWHERE else answer


def _is_seventh(request: Request) -> bool:
    return request.is_read and "0007" in request.path


def cases() -> Iterator[Case]:
    """Yields all cases."""
    for protocol in PROTOCOLS:
        for name, change in _FAULTS.items():
            yield Case(f"{protocol}: one photograph, {name}", protocol, _of(_is_seventh, change), codes=(0,))
            yield Case(f"{protocol}: listing, {name}", protocol, _of(lambda asked: asked.is_listing, change))
        dead = _of(lambda asked: asked.is_read, _silence)
        yield Case(
            f"{protocol}: {_MANY:,} photographs, silence", protocol, dead, photographs=_MANY, objects=2, seconds=180
        )
        yield Case(
            f"{protocol}: --max-time 30s, silence",
            protocol,
            dead,
            flags=("--max-time", "30s"),
            codes=(0, 3),  # 3 where the store counts as dead before that time
            objects=0,
            seconds=90,
        )
    for name in ("silence", "drip", "reset", "redirect", "error"):
        for what, match in _OF_OUTPUT.items():
            yield Case(f"{what}, {name}", fault=name, match=match, objects=3, seconds=120)
