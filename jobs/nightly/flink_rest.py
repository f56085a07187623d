"""What Flink's job manager says by its REST interface, and the job that it is told to cancel there."""

import json
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import Any

_SECONDS = 10.0
_MAX_BYTES = 1 << 24
_ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})


class FlinkError(Exception):
    """The job manager does not answer, or not as one does."""


@dataclass(frozen=True)
class Slots:
    """How many bundles a cluster works on at once.

    Attributes:
        total: In the whole cluster.
        of_worker: In the task manager that has most of them.
        of_host: On the machine that has most of them.
    """

    total: int
    of_worker: int
    of_host: int


def slots(master: str) -> Slots | None:
    """Returns the slots of a cluster; None as long as it has none, as one that grows with its jobs.

    Args:
        master: Address of the job manager, `host:port` or with http:// or https://.

    Raises:
        FlinkError: It does not answer.
    """
    managers = _list(_ask(master, "taskmanagers"), "taskmanagers")
    by_host, most = Counter[str](), 0
    for manager in managers:
        number = int(manager.get("slotsNumber", 0))
        by_host[_host(str(manager.get("path", "")))] += number
        most = max(most, number)
    return Slots(by_host.total(), most, max(by_host.values())) if by_host.total() else None


def has_ended(master: str, name: str) -> bool:
    """Tells whether no job of a name runs any more.

    Raises:
        FlinkError: The job manager does not answer.
    """
    return not _running(master, name)


def cancel(master: str, name: str) -> None:
    """Tells Flink to cancel the jobs of a name.

    Raises:
        FlinkError: The job manager does not answer.
    """
    for job in _running(master, name):
        _ask(master, f"jobs/{job}?mode=cancel", "PATCH")


def _running(master: str, name: str) -> list[str]:
    jobs = _list(_ask(master, "jobs/overview"), "jobs")
    return [str(job["jid"]) for job in jobs if job.get("name") == name and job.get("state") not in _ENDED]


def _list(answer: Any, name: str) -> list[dict[str, Any]]:
    entries = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(entries, list):  # nothing must look like no job
        raise FlinkError("it answers as another server")
    return [entry for entry in entries if isinstance(entry, dict)]


def _host(path: str) -> str:
    """Returns the machine in an address of Flink's, such as `pekko.tcp://flink@10.0.0.5:6122/user/rpc/x`."""
    return path.rpartition("@")[2].partition("/")[0].rpartition(":")[0]


def _ask(master: str, path: str, method: str = "GET") -> Any:
    base = master if master.startswith(("http://", "https://")) else f"http://{master}"
    request = urllib.request.Request(f"{base.rstrip('/')}/{path}", method=method)  # noqa: S310 - http or https, see above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
            content = response.read(_MAX_BYTES)
        return json.loads(content or b"null")
    except (OSError, ValueError) as error:
        raise FlinkError(f"{type(error).__name__}") from None
