"""The error that ends a run, kept as data: a runner may turn what a worker raised into any exception of its own.

A worker leaves the error's class and message in the run's staging folder before it raises, and whoever started the run
reads it there. So an exit code depends on no runner's wording.
"""

import contextlib
import datetime
import json
from collections.abc import Iterator, Sequence

from melanoma import errors, storage
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, PhotographError
from melanoma.runs.run import Run

OwnError = MelanomaError | PhotographError
_FAULT = "fault"  # an exception that is not one of ours, and whose text may name a photograph


@contextlib.contextmanager
def recorded(run: Run) -> Iterator[None]:
    """Records what the block raises, and lets it pass.

    Args:
        run: Which the error ends.
    """
    try:
        yield
    except Exception as error:
        record_failure(run, error)
        raise


def record_failure(run: Run, error: Exception) -> None:
    """Records an error, in place of an earlier one of the same run; not at all where the store refuses."""
    document = {"moment": datetime.datetime.now(datetime.UTC).isoformat(), **_as_json(error)}
    # Not as ASCII: an erasure looks for the name of a photograph as it is.
    data = json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")
    with contextlib.suppress(MelanomaError, PhotographError):
        storage.write_bytes(_uri(run), data)


def cause_of(runs: Sequence[Run], raised: Exception) -> Exception:
    """Returns the error that ended the runs.

    Args:
        runs: Of one launch, one a model.
        raised: What the runner raised.

    Returns:
        Our own error where a worker recorded one last, or where `raised` is one or was caused by one; an error of the
        output's store where there is neither because that does not answer; else `raised` itself, which is a fault of
        ours or of a library. An error of a photograph that ended a run is the store's doing, and becomes a
        `NothingCommittedError`.
    """
    try:
        found = [failure for run in runs if (failure := _read(run)) is not None]
        own = _from_json(max(found, key=lambda failure: failure["moment"])) if found else _own_in_chain(raised)
    except (MelanomaError, PhotographError) as error:
        unanswered = NothingCommittedError(f"the output's store failed: {error}; nothing was committed")
        own = _own_in_chain(raised) or unanswered
    if isinstance(own, PhotographError):
        return NothingCommittedError(f"the store failed: {own}; nothing was committed")
    return own or raised


def _uri(run: Run) -> str:
    return run.layout.failure(run.fingerprint, run.run_id)


def _read(run: Run) -> dict[str, str] | None:
    if not storage.exists(_uri(run)):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(storage.read_bytes(_uri(run)))
        if isinstance(document, dict) and document.keys() >= {"moment", "class", "message"}:
            return {str(name): str(value) for name, value in document.items()}
    return None


def _as_json(error: Exception) -> dict[str, str]:
    # The nearest class of the closed list: a subclass that is defined elsewhere could not be looked up.
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__), _FAULT)
    if isinstance(error, PhotographError):
        return {"class": name, "kind": error.kind.value, "message": error.detail}
    return {"class": name, "message": str(error) if isinstance(error, MelanomaError) else ""}


def _from_json(document: dict[str, str]) -> OwnError | None:
    own = getattr(errors, document["class"], None)
    if isinstance(own, type) and issubclass(own, PhotographError) and document.get("kind") in list(ErrorKind):
        return own(ErrorKind(document["kind"]), document["message"])
    return own(document["message"]) if isinstance(own, type) and issubclass(own, MelanomaError) else None


def _own_in_chain(raised: BaseException | None) -> OwnError | None:
    """Finds our own error among an exception and its causes, where a runner has kept them."""
    seen = set[int]()
    while raised is not None and id(raised) not in seen:
        if isinstance(raised, MelanomaError | PhotographError):
            return raised
        seen.add(id(raised))
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return None
