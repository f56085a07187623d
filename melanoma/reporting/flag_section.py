"""The section of a report on flagged photographs."""

from collections.abc import Mapping
from typing import Any

from melanoma.html_page import data_table, escaped, paragraph, section
from melanoma.wording import counted

_MEANINGS = {
    "review": "a person should look at these first",
    "flag_melanoma": "the probability of melanoma reached the bundle's threshold",
}


def flags(content: Mapping[str, Any]) -> str:
    """Returns the section on flagged photographs; empty if nothing was scored or the bundle has no thresholds."""
    found = content.get("flags", {})
    if not found.get("n") or not found["counts"]:
        return ""
    n = found["n"]
    rows = [
        (f"<code>{escaped(name)}</code>", f"{count:,}", f"{count / n:.1%}", escaped(_MEANINGS.get(name, "")))
        for name, count in sorted(found["counts"].items())
    ]
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in sorted(found["reasons"].items()))
    return section(
        "Flags",
        data_table(("flag", "photographs", "share", "meaning"), rows, sentences={"meaning"}),
        paragraph(f"Reasons for a review: {reasons}.", "muted") if reasons else "",
        paragraph(f"Shares are of {counted(n, 'photograph')} scored in this run.", "muted"),
    )
