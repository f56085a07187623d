"""`melanoma bundle list`: the bundles that every command finds by name."""

import argparse
import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console.options import Action
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.model.bundle_search import Listed


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `List` holds."""
    parser.add_argument("--json", action="store_true", help="print JSON")


@dataclass(frozen=True)
class List(Action):
    """`bundle list`.

    Attributes:
        json: Whether to print JSON.
    """

    json: bool

    def run(self) -> None:
        """Prints every bundle that a name finds, without running or fully checking any."""
        from melanoma.model.bundle_search import known_bundles, list_bundles

        found = list(list_bundles())
        if not found and not self.json:
            print(known_bundles())
            return
        if self.json:
            print(json.dumps(list(map(_facts, found)), indent=1))
            return
        for bundle in found:
            rows = {key: value for key, value in _facts(bundle).items() if key != "name" and value}
            print(printable(bundle.name), *(_line(key, value) for key, value in rows.items()), sep="\n")
        print("Folders in MELANOMA_BUNDLES are searched first, then the bundles that come with the package.")


def _facts(bundle: "Listed") -> dict[str, Any]:
    """Returns what is said about a bundle; None for what is not known."""
    stated = bundle.description
    return {
        "name": bundle.name,
        "model_id": stated and stated.model_id,
        "labels": stated and list(stated.slugs),
        "input": stated and f"{stated.spec.height}x{stated.spec.width}",
        "bytes": bundle.size,
        "licence": bundle.licence or None,
        "fault": bundle.fault or None,
        "uri": bundle.uri,
    }


def _line(key: str, value: Any) -> str:
    if key == "bytes":
        key, value = "size", f"{value / 1e6:.1f} MB"
    if key == "uri":
        return f"  where     {printable(value)}"
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return f"  {key:<9} {printable(textwrap.shorten(text, 150, placeholder=' …'))}"
