"""The page of one model: what its runs scored, and how its predictions changed over time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from melanoma import html_page, storage
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import facts, paragraph
from melanoma.ids import is_model_id
from melanoma.reporting import model_sections
from melanoma.reporting.drift import Distribution
from melanoma.reporting.limits import Limits
from melanoma.reporting.months import MAX_MONTHS, months_of
from melanoma.reporting.style import STYLE
from melanoma.runs.model_names import names_in
from melanoma.runs.run_history import RunSummary, start_of
from melanoma.table.layout import OutputLayout
from melanoma.table.model_names import shown


def has_page(model_id: str) -> bool:
    """Tells whether a model has a page: a run that was killed early may not say what its model was."""
    return is_model_id(model_id)


@dataclass(frozen=True)
class ModelSetting:
    """What a model's predictions are compared with.

    Attributes:
        reference: Distribution of its bundle's validation photographs; empty if it is not known.
        limits: What the operator accepts.
    """

    reference: Distribution = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


def write_model_pages(layout: OutputLayout, runs: Sequence[RunSummary], model_id: str, setting: ModelSetting) -> None:
    """Writes the page of the model that has just run, and those of other models that have none yet.

    Args:
        layout: Layout of the output folder.
        runs: All runs, oldest first.
        model_id: The model that has just run.
        setting: What its predictions are compared with.

    Raises:
        NothingCommittedError: A page cannot be written.
        ReadError: The store does not answer.
    """
    models = {run["model_id"] for run in runs if has_page(run["model_id"])}
    present = {stored.uri for stored in storage.list_files(layout.reports)} if len(models) > 1 else set()
    for one in sorted(models):
        if one == model_id or layout.model_page(one) not in present:
            html = model_page(one, runs, setting if one == model_id else ModelSetting())
            storage.write_bytes(layout.model_page(one), html.encode())


def model_page(model_id: str, runs: Sequence[RunSummary], setting: ModelSetting) -> str:
    """Returns the page of a model.

    Args:
        model_id: The model.
        runs: All runs, oldest first.
        setting: What its predictions are compared with.
    """
    own = [run for run in runs if run["model_id"] == model_id]
    months, name = months_of(own), names_in(own).name(model_id)
    parts = [
        _identity(model_id, name, own),
        model_sections.photographs(months),
        model_sections.drift(own, setting.limits),
        model_sections.classes(months, setting.reference),
        model_sections.histograms(months),
        paragraph(f"The pictures by month show the last {MAX_MONTHS} months with a run.", "muted"),
    ]
    return html_page.document(f"Model {shown(model_id, name)}", parts, STYLE, NO_DIAGNOSIS)


def _identity(model_id: str, name: str, runs: Sequence[RunSummary]) -> str:
    entries = {
        "name": name,
        "id": model_id,
        "runs": f"{len(runs):,}, from {start_of(runs[0])} to {start_of(runs[-1])} UTC" if runs else "none",
        "photographs": f"{sum(run['counts']['scored'] for run in runs):,} scored",
    }
    return facts(entries) + '<p class="muted"><a href="index.html">All runs</a></p>'
