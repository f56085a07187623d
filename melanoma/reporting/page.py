"""The report of a run as one HTML page."""

from collections.abc import Sequence

from melanoma import html_page
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import bullets, escaped, facts
from melanoma.reporting import flag_section, messages, prediction_sections, run_sections
from melanoma.reporting.messages import Headline
from melanoma.reporting.model_page import has_page
from melanoma.reporting.style import STYLE
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs.records import RunRecord
from melanoma.table.model_names import shown
from melanoma.wording import counted


def page(run: ReportedRun) -> str:
    """Returns a report as HTML.

    Args:
        run: The run; its content is empty if only its record exists.
    """
    record, content = run.record, run.content
    parts = [
        head(messages.headline(record, run.verdict), [reason.text for reason in run.verdict.reasons]),
        _identity(record),
        run_sections.accounting(record),
        run_sections.failures(record, content),
        run_sections.stages(record, content),
        prediction_sections.classes(content),
        flag_section.flags(content),
        prediction_sections.drift(content),
        prediction_sections.sample(content),
    ]
    return html_page.document(f"Run of {record.run_date}", parts, STYLE, NO_DIAGNOSIS)


def head(headline: Headline, reasons: Sequence[str] = ()) -> str:
    """Returns the first line of a page, coloured by its level, with the reasons for the level below it."""
    first = f'<p class="head {headline.level}" role="status">{escaped(headline.text)}</p>'
    told = [reason for reason in reasons if reason.lower() not in headline.text.lower()]
    return first + (f'<div class="reasons">{bullets(told)}</div>' if told else "")


def _identity(record: RunRecord) -> str:
    entries = {
        "run": record.run_id,
        "model": shown(record.model_id, record.model_name),
        "shard": f"{record.shard}, listed with all photographs" if record.shard else "",
        "engine": record.engine,
        "duration": messages.duration(record.seconds),
        "table": "" if record.table_version is None else f"version {record.table_version}",
        "resumed": f"{counted(record.adopted, 'row')} scored by a killed run" if record.adopted else "",
    }
    links = {"index.html": "All runs"}
    if has_page(record.model_id):
        links[f"{record.model_id}.html"] = "This model over time"
    if record.timeline is not None:
        links[f"{record.run_id}.profile.html"] = "When each worker did what"
    listed = " · ".join(f'<a href="{address}">{text}</a>' for address, text in links.items())
    return f'{facts(entries)}<p class="muted">{listed}</p>'
