"""The command: `python -m tools.clusters flink up`, as `make flink-up` calls it.

Exit codes: 0 done, 1 the cluster is not up (`status`), 2 something is missing, or a port is taken.
"""

import argparse
import shlex
import sys

from tools.clusters import downloads
from tools.clusters.cluster import ENGINES, Cluster
from tools.clusters.versions import ClusterError


def main(words: list[str] | None = None) -> int:
    """Starts, ends or describes a cluster; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.clusters", description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=[*ENGINES, "prism"], help="which engine; prism is only fetched")
    parser.add_argument("action", choices=["up", "down", "status", "options", "fetch"], help="what to do")
    args = parser.parse_args(words)
    try:
        if args.engine == "prism":
            print(downloads.prism())
            return 0
        return _act(Cluster(args.engine), args.action)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _act(cluster: Cluster, action: str) -> int:
    name = cluster.engine.name
    if action == "fetch":
        cluster.engine.fetch()
    elif action == "up":
        print(f"== {name} is up" if cluster.up() else f"== {name} was up already", flush=True)
        print(f"melanoma score … -- {shlex.join(cluster.line())}")
    elif action == "down":
        print(f"== {name} has ended" if cluster.down() else f"== {name} was not up")
    elif action == "options":
        print(shlex.join(cluster.line()))
    else:
        print(f"== {name} is {'up' if cluster.is_up else 'not up'}")
        return 0 if cluster.is_up else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
