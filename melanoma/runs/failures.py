"""The error that ends a run, kept as data: a runner may turn what a worker raised into any exception of its own.

A worker leaves the error's class and message in the run's staging folder before it raises, and whoever started the run
reads it there. So an exit code depends on no runner's wording. The output may be the very thing that fails: then the
worker leaves the error in a local folder, and if that is another machine's, the output is tried once more.
"""

import contextlib
import datetime
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from melanoma import errors, storage
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, PhotographError
from melanoma.json_values import parsed
from melanoma.runs.run import Run

OwnError = MelanomaError | PhotographError
_MAX_BYTES = 1 << 20
_FAULT = "fault"  # an exception that is not one of ours, and whose text may name a photograph


@contextlib.contextmanager
def recorded(run: Run | None) -> Iterator[None]:
    """Records what the block raises, and lets it pass.

    Args:
        run: Which the error ends; None for no run.
    """
    try:
        yield
    except Exception as error:
        if run is not None:
            record_failure(run, error)
        raise


def record_failure(run: Run, error: Exception) -> None:
    """Records an error, in place of an earlier one of the same run; on the local disk where the output refuses."""
    document = {"moment": datetime.datetime.now(datetime.UTC).isoformat(), **_as_json(error)}
    # Not as ASCII: an erasure looks for the name of a photograph as it is.
    data = json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")
    try:
        with storage.hurried():
            storage.write_bytes(_uri(run), data, is_private=True)
    except (MelanomaError, PhotographError):
        if (local := _scratch_file(run)) is not None:
            with contextlib.suppress(MelanomaError, PhotographError, OSError):
                Path(run.scratch).mkdir(mode=0o700, exist_ok=True)
                storage.write_bytes(local, data, is_private=True)


def cause_of(runs: Sequence[Run], raised: Exception) -> Exception:
    """Returns the error that ended the runs, and removes its record.

    Args:
        runs: Of one launch, one a model.
        raised: What the runner raised.

    Returns:
        Our own error where a worker recorded one last, or where `raised` is one or was caused by one; an error of the
        output where there is neither, because that does not answer or takes no file; else `raised` itself, which is a
        fault of ours or of a library. An error of a photograph that ended a run is the store's doing, and becomes a
        `NothingCommittedError`.
    """
    found, unanswered = list[dict[str, str]](), None
    try:
        for uri in [*map(_scratch_file, runs), *map(_uri, runs)]:  # what can be read for certain comes first
            found += _read(uri)
    except (MelanomaError, PhotographError) as error:
        unanswered = NothingCommittedError(f"the output's store failed: {error}; nothing was committed")
    _remove(runs)  # a full disk may need the space for the record of the run
    if found:
        own = _from_json(max(found, key=lambda failure: failure["moment"]))
    else:
        own = _own_in_chain(raised) or unanswered or _refusal(runs[0])
    if isinstance(own, PhotographError):
        return NothingCommittedError(f"the store failed: {own}; nothing was committed")
    return own or raised


def is_recorded(runs: Sequence[Run]) -> bool:
    """Tells whether a worker has recorded an error; False where the output does not answer."""
    with contextlib.suppress(MelanomaError, PhotographError):
        files = [file for run in runs for file in (_scratch_file(run), _uri(run))]
        return any(storage.exists(file) for file in files if file is not None)
    return False


def is_own_recorded(runs: Sequence[Run]) -> bool:
    """Tells whether a worker has recorded an error of ours, which a further try of the runner would meet again."""
    with contextlib.suppress(MelanomaError, PhotographError):
        files = [file for run in runs for file in (_scratch_file(run), _uri(run))]
        return any(document["class"] != _FAULT for file in files for document in _read(file))
    return False


def _uri(run: Run) -> str:
    return run.layout.failure(run.fingerprint, run.run_id)


def _scratch_file(run: Run) -> str | None:
    return storage.canonical(storage.join(run.scratch, "failure.json")) if run.scratch else None


def _read(uri: str | None) -> Iterator[dict[str, str]]:
    if uri is not None and storage.exists(uri):
        with contextlib.suppress(ValueError):
            document = parsed(storage.read_small(uri, _MAX_BYTES))
            if isinstance(document, dict) and document.keys() >= {"moment", "class", "message"}:
                yield {str(name): str(value) for name, value in document.items()}


def _remove(runs: Sequence[Run]) -> None:
    for run in runs:
        storage.remove(_uri(run))
        if run.scratch:
            storage.remove(storage.canonical(run.scratch))


def _refusal(run: Run) -> NothingCommittedError | None:
    """Returns an error if the output takes no file any more: a worker elsewhere could not record its error there."""
    try:
        storage.check_writable(run.layout.name, run.layout.probe())
    except (MelanomaError, PhotographError) as error:
        return NothingCommittedError(str(error))
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
