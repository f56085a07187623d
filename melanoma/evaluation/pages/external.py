"""The chapter of an evaluation's page about sources that training has not seen."""

from melanoma.evaluation.external_text import HEADING, INTERNAL, LEAD, source_sentences, source_table
from melanoma.evaluation.pages import parts
from melanoma.evaluation.report import Report
from melanoma.html_page import bullets, escaped, paragraph, section


def external(report: Report) -> str:
    """Returns a table with the external sources beside the rest of the report; nothing without such sources."""
    if not (sources := report.get("external")):
        return ""
    head, *rows = source_table(report, sources, "internal: the labels below" if "data" in report else INTERNAL)
    cells = [[escaped(cell) for cell in row] for row in rows]
    sentences = bullets(source_sentences(sources, report.get("flag_aim")))
    return section(HEADING, paragraph(LEAD), parts.table(head, cells), sentences)
