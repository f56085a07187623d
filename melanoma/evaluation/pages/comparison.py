"""The page of a comparison, built from the report's JSON values alone."""

from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.accounting import comparison_accounting
from melanoma.evaluation.formatting import METRICS, model_in, signed, with_interval
from melanoma.evaluation.pages import parts, svg
from melanoma.evaluation.pages.agreement import agreement_chapters
from melanoma.evaluation.pages.parts import estimate_cell, few_photographs_note
from melanoma.evaluation.promotion_rule import KEEP, PROMOTE
from melanoma.evaluation.report import Report
from melanoma.evaluation.totals import left_out_warning
from melanoma.html_page import bullets, escaped, paragraph, section
from melanoma.labels import name_of
from melanoma.wording import counted, lesions

_SCALES = (0.2, 0.5, 1.0)


def page(report: Report, title: str) -> str:
    """Returns the page of a comparison as one self-contained HTML file.

    Args:
        report: As `compare.compare` returns it.
        title: The title, plain text.
    """
    old, new, judged = report["old"], report["new"], report["judged"]
    lead = [
        f"Old: {model_in(old)} in {old['table']}, version {old['table_version']}.",
        f"New: {model_in(new)} in {new['table']}, version {new['table_version']}.",
        *comparison_accounting(report),
    ]
    chapters = [
        paragraph(f"{counted(report['agreement']['n'], 'photograph')} that both sides scored."),
        paragraph(NO_CLINICAL_VALIDATION, "warning"),
        paragraph(warning, "warning") if judged and (warning := left_out_warning(judged["data"])) else "",
        _verdict(judged["verdict"]) if judged else "",
        bullets(lead),
        *([_overall(judged), _recalls(judged)] if judged else []),
        *agreement_chapters(report["agreement"]),
        _method(judged) if judged else "",
    ]
    return parts.document(title, chapters)


def _verdict(verdict: Report) -> str:
    kind = {PROMOTE: "verdict good", KEEP: "verdict bad"}.get(verdict["verdict"], "verdict")
    return (
        '<div class="card">'
        + paragraph(verdict["verdict"].capitalize(), kind)
        + bullets(verdict["reasons"])
        + paragraph(f"The rule: {verdict['rule']} It holds for these photographs and these labels.", "note")
        + "</div>"
    )


def _overall(judged: Report) -> str:
    scale = common_scale(judged)
    rows = [
        [
            f"{escaped(METRICS[name].name)} <small>{METRICS[name].better}</small>",
            estimate_cell(row["old"]),
            estimate_cell(row["new"]),
            f"{row['difference']['n']:,}" if row["difference"] else "",
            _bar(row["difference"], scale),
        ]
        for name, row in judged["figures"].items()
    ]
    return section(
        "Which model is better",
        paragraph(
            f"{counted(judged['n'], 'labelled photograph')} of {lesions(judged['groups'])}. The difference is new "
            "minus old on the same photographs, so its interval is often narrower than those of the two models. The "
            f"bars run from -{scale} to {scale}; an interval that does not cross the dashed line shows a difference."
        ),
        parts.table(("", "old", "new", "n", "difference"), rows, "bars"),
        paragraph(_mcnemar(judged["mcnemar"])),
    )


def _mcnemar(test: Report) -> str:
    return (
        f"Only the old model is correct on {counted(test['only_old_right'], 'photograph')}, only the new one on "
        f"{test['only_new_right']:,}: p = {test['p']:.2g} by McNemar's exact test. It counts each photograph by "
        "itself, so p is too small if some lesions have several."
    )


def _recalls(judged: Report) -> str:
    scale = common_scale(judged)
    rows = [
        [
            escaped(name_of(slug)) + few_photographs_note(row),
            estimate_cell(row["old"]),
            estimate_cell(row["new"]),
            f"{row['n']:,}",
            _bar(row["difference"], scale),
        ]
        for slug, row in judged["by_label"].items()
    ]
    return section(
        "Sensitivity by class",
        paragraph("Share of the photographs of each class for which the decision rule chooses the class."),
        parts.table(("class", "old", "new", "n", "difference"), rows, "bars"),
    )


def _bar(difference: Report | None, scale: float) -> str:
    return svg.interval(difference, None, most=scale, least=-scale) + signed(difference)


def common_scale(judged: Report) -> float:
    """Returns the end of the scale that all bars share: 0.2, 0.5 or 1, the smallest that holds every interval."""
    differences = [row["difference"] for name in ("figures", "by_label") for row in judged[name].values()]
    ends = [abs(found[key]) for found in differences if found for key in ("value", "low", "high")]
    return next((scale for scale in _SCALES if max(ends, default=0.0) <= scale), _SCALES[-1])


def _method(judged: Report) -> str:
    balanced = with_interval(judged["figures"]["balanced_accuracy"]["old"])
    evaluated = ", ".join(name_of(slug).lower() for slug in judged["evaluated"])
    return section(
        "How to read this page",
        bullets(
            [
                f"Intervals hold the middle 95 % of {judged['resamples']:,} bootstrap resamples that draw whole "
                f"lesions or patients with replacement, the same for both models (seed {judged['seed']}).",
                f"Evaluated classes: {evaluated}.",
                f"Balanced accuracy of the old model: {balanced}. A model that is better here need not be better on "
                "other people, cameras or places.",
            ]
        ),
    )
