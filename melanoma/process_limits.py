"""The limits of a shell or a service (`ulimit`) with which no photograph can be scored."""

import resource
from dataclasses import dataclass

from melanoma.errors import UsageError

_MIB = 2**20


@dataclass(frozen=True)
class _Limit:
    """One limit of a process.

    Attributes:
        number: Its number for `resource.getrlimit`.
        option: The option of `ulimit`.
        what: What is limited.
        least: The least value that works, in the unit of the system.
        unit: How many of these are one of the unit that is printed.
        unit_name: Name of that unit.
    """

    number: int
    option: str
    what: str
    least: int
    unit: int = 1
    unit_name: str = ""


_LIMITS = (
    # Libraries reserve far more addresses than they use: 3.5 GiB with ONNX Runtime, 5 GiB with TensorFlow.
    _Limit(resource.RLIMIT_AS, "-v", "the address space", 3584 * _MIB, _MIB, " MiB"),
    # The memory that is shared with a decoder counts as a file of 65 MiB and more.
    _Limit(resource.RLIMIT_FSIZE, "-f", "the size of a file", 128 * _MIB, _MIB, " MiB"),
    _Limit(resource.RLIMIT_NOFILE, "-n", "open files", 32),
)


def check_limits() -> None:
    """Refuses limits with which libraries would crash, or every photograph would fail.

    Raises:
        UsageError: A limit is too low.
    """
    for limit in _LIMITS:
        found, _ = resource.getrlimit(limit.number)
        if found != resource.RLIM_INFINITY and found < limit.least:
            raise UsageError(
                f"the limit of {limit.what} (ulimit {limit.option}) is {found // limit.unit:,}{limit.unit_name}, "
                f"expected at least {limit.least // limit.unit:,}{limit.unit_name}; raise it, or start without it"
            )
