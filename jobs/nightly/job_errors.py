"""What exceptions of runners mean for the operator; their texts may name photographs, and are dropped."""

import grpc

from melanoma.errors import NothingCommittedError, UsageError

_UNREACHABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


def before_submission(error: Exception) -> Exception:
    """Explains what a runner raised before its job was submitted; returns an exception of another kind as it is.

    Args:
        error: What it has raised.
    """
    if isinstance(error, grpc.FutureTimeoutError):
        return NothingCommittedError("the job server does not answer")
    if isinstance(error, grpc.RpcError):
        code = _code(error)
        if code is not None and code not in _UNREACHABLE:
            return UsageError(f"the job server refused the job ({_words(code)}); --verbose shows what it says")
        return _silent(code)
    if isinstance(error, RuntimeError):
        return UsageError(
            "the job server could not be started: is Java installed, and do the options name its jar? --verbose "
            "shows what it says"
        )
    return error


def after_submission(error: Exception, name: str, state: str) -> Exception:
    """Explains what a runner raised while its job ran; returns an exception of another kind as it is.

    Args:
        error: What it has raised.
        name: Name of the job.
        state: State of the job, as far as its server says.
    """
    if isinstance(error, grpc.RpcError):
        return _silent(_code(error))
    if isinstance(error, RuntimeError):
        return NothingCommittedError(
            f"the runner ended the job {name} (state: {state.lower()}); its own log says why, start again"
        )
    return error


def _code(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if isinstance(error, grpc.Call) else None


def _silent(code: grpc.StatusCode | None) -> NothingCommittedError:
    return NothingCommittedError(f"the job server does not answer any more ({_words(code)})")


def _words(code: grpc.StatusCode | None) -> str:
    return "no answer" if code is None else str(code.name).lower().replace("_", " ")
