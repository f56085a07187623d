"""The section of a bundle's card about sources that training has not seen, and a bundle that gets one later."""

import json
import re
from collections.abc import Sequence
from typing import Any

from melanoma.errors import BundleError
from melanoma.evaluation.evaluate import FORMAT
from melanoma.evaluation.external import for_bundle
from melanoma.evaluation.external_text import HEADING, LEAD, source_sentences, source_table
from melanoma.evaluation.markdown import table
from melanoma.evaluation.pages.evaluation import page
from melanoma.evaluation.pages.external import external
from melanoma.evaluation.report import Report
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_edit import BundleEdit
from melanoma.model.description import CARD, FLAGGED

ONLY_INTERNAL = "It has been evaluated only on photographs like those it was trained on."
SEE_EXTERNAL = f"Results on photographs of other sources are under “{HEADING}”."
_REPORT, _PAGE = "evaluation.json", "evaluation.html"
# Sentences of cards, of earlier versions too, that an external part makes wrong, and what they become.
_OUTDATED = {
    ONLY_INTERNAL: SEE_EXTERNAL,
    "It has been judged on photographs like those it was trained on, and on no others.": SEE_EXTERNAL,
}


def external_section(internal: Report | None, parts: Sequence[Report], flag_aim: float | None) -> list[str]:
    """Returns the paragraphs of the section, its heading first; none without external parts.

    Args:
        internal: Results on the test part; None if they are not known.
        parts: As `external.evaluate_source` returns them.
        flag_aim: Sensitivity that the melanoma flag was chosen for; None if it is not known.
    """
    if not parts:
        return []
    head, *rows = source_table(internal, parts)
    sentences = "\n".join(f"- {sentence}" for sentence in source_sentences(parts, flag_aim))
    lead = f"{LEAD} Intervals (95 %) are from a bootstrap over whole lesions or patients."
    return [f"## {HEADING}", lead, table(head, rows), sentences]


def add_external(bundle: Bundle, parts: Sequence[Report]) -> BundleEdit:
    """Returns what changes in a bundle that gets an external part; its network and its model id stay.

    An earlier external part is replaced.

    Args:
        bundle: The bundle.
        parts: Results of its model, as `external.evaluate_source` returns them.

    Raises:
        BundleError: Its report is damaged.
    """
    metrics = dict(bundle.description["metrics"])
    internal, aim = metrics.get("test"), _flag_aim(metrics)
    stated = [for_bundle(part) for part in parts]
    try:
        section = external_section(internal, parts, aim)
        files = {CARD: with_section(bundle.files[CARD].decode(), section).encode()}
        if _REPORT in bundle.files:
            report = {**json.loads(bundle.files[_REPORT]), "external": stated, "flag_aim": aim}
            files[_REPORT] = json.dumps(report, indent=1, sort_keys=True).encode()
            files[_PAGE] = _page(bundle, report).encode()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{bundle.uri}: its results are not in the form that melanoma train writes ({type(error).__name__})"
        ) from None
    return BundleEdit(files, {**metrics, "external": stated})


def _page(bundle: Bundle, report: Report) -> str:
    """Returns the page of a report, or that of an earlier version with one more chapter before its others."""
    if report["format"] == FORMAT:
        return page(report, f"{bundle.name}: test part")
    earlier = re.sub(rf"(?s)<h2>{HEADING}</h2>.*?(?=<h2>)", "", bundle.files[_PAGE].decode())
    before, heading, after = earlier.partition("<h2>")
    return f"{before}{external({**bundle.description['metrics']['test'], **report})}\n{heading}{after}"


def with_section(card: str, section: Sequence[str]) -> str:
    """Returns a card with the section before its second heading, in place of an earlier one."""
    for outdated, now in _OUTDATED.items():
        card = card.replace(outdated, now)
    card = re.sub(rf"(?ms)^## {re.escape(HEADING)}$.*?(?=^## |\Z)", "", card)
    headings = [found.start() for found in re.finditer("(?m)^## ", card)]
    place = headings[1] if len(headings) > 1 else len(card)
    return f"{card[:place].rstrip()}\n\n" + "\n\n".join(section) + f"\n\n{card[place:]}".rstrip() + "\n"


def _flag_aim(metrics: dict[str, Any]) -> float | None:
    """Returns the sensitivity that the flag was chosen for; None where a bundle does not say."""
    try:
        return float(metrics["choices"][FLAGGED]["aim"])
    except (KeyError, TypeError, ValueError):
        return None
