"""A comparison as a page for people: built from the report's JSON values alone."""

from collections.abc import Mapping
from typing import Any

from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.formatting import FIGURES, number, signed, with_interval
from melanoma.evaluation.pages import parts, svg
from melanoma.evaluation.pages.agreement import agreement_chapters
from melanoma.evaluation.pages.parts import escaped, paragraph, section
from melanoma.evaluation.promotion_rule import KEEP, PROMOTE
from melanoma.labels import name_of

Report = Mapping[str, Any]


def page(report: Report, title: str) -> str:
    """Writes the page of a comparison.

    Args:
        report: As `comparison.compare` gives it.
        title: For people.

    Returns:
        One self-contained HTML file.
    """
    old, new, judged = report["old"], report["new"], report["judged"]
    lead = [
        f"Old: {old['model_id']} in {old['table']}, version {old['table_version']}.",
        f"New: {new['model_id']} in {new['table']}, version {new['table_version']}.",
        *left_out(report),
    ]
    chapter_list = [
        paragraph(f"{report['agreement']['n']:,} photographs that both scored."),
        paragraph(NO_CLINICAL_VALIDATION, "warning"),
        _verdict(judged) if judged else "",
        parts.bullets(lead),
        _figures(judged) if judged else "",
        _recalls(judged) if judged else "",
        *agreement_chapters(report["agreement"]),
        _method(judged) if judged else "",
    ]
    return parts.document(title, chapter_list)


def left_out(report: Report) -> list[str]:
    """Says which photographs and labels were not compared, a sentence each."""
    judged = report["judged"]
    sentences = [
        (report["only_old"], f"{report['only_old']:,} photographs are in the old table only, and left out."),
        (report["only_new"], f"{report['only_new']:,} photographs are in the new table only, and left out."),
        (report["other_bytes"], f"{report['other_bytes']:,} ids stand for other contents in the two tables; left out."),
    ]
    if judged:
        unknown, data = judged["labels_not_known_to_both"], judged["data"]
        names = ", ".join(f"{name_of(slug).lower()} ({n:,})" for slug, n in unknown.items())
        trained = f"{data['photographs_trained_on']:,} labelled photographs took part in a training and are left out."
        sentences += [
            (True, f"Labels in {data['labels']}, sha256 {data['labels_sha256'][:12]}…: {judged['n']:,} are judged."),
            (unknown, f"Labels of classes that not both models know are left out: {names}."),
            (data["trained_on"], trained),
            (not data["trained_on"], "What the models were trained on was not named: it flatters whichever saw more."),
            (not data["group_column"], "No group column was named: each photograph counts as a lesion of its own."),
        ]
    return [sentence for happened, sentence in sentences if happened]


def _verdict(judged: Report) -> str:
    found = judged["verdict"]
    kind = {PROMOTE: "verdict good", KEEP: "verdict bad"}.get(found["verdict"], "verdict")
    return (
        '<div class="card">'
        + paragraph(found["verdict"].capitalize(), kind)
        + parts.bullets(found["reasons"])
        + paragraph(f"The rule. {found['rule']} It is about these photographs and these labels.", "note")
        + "</div>"
    )


def _figures(judged: Report) -> str:
    reach = _reach(judged)
    rows = [
        [
            escaped(FIGURES[name][0]) + f" <small>{FIGURES[name][1]}</small>",
            _value(row["old"]),
            _value(row["new"]),
            f"{row['difference']['n']:,}" if row["difference"] else "",
            _bar(row["difference"], reach),
        ]
        for name, row in judged["figures"].items()
    ]
    return section(
        "Who is better",
        paragraph(
            f"{judged['n']:,} labelled photographs of {judged['groups']:,} lesions or patients. The difference is new "
            "less old, on the same photographs: its interval is often narrower than those of the two. The bars run "
            f"from -{reach} to {reach}; an interval that does not cross the dashed line shows a difference."
        ),
        parts.table(("", "old", "new", "n", "difference"), rows, "bars"),
        paragraph(_mcnemar(judged["mcnemar"])),
    )


def _mcnemar(found: Report) -> str:
    return (
        f"Only the old model is right on {found['only_old_right']:,} photographs, only the new one on "
        f"{found['only_new_right']:,}: p = {found['p']:.2g} by McNemar's exact test, which takes each photograph by "
        "itself and so is too small where lesions have several."
    )


def _recalls(judged: Report) -> str:
    reach = _reach(judged)
    rows = [
        [
            escaped(name_of(slug)),
            _value(row["old"]),
            _value(row["new"]),
            f"{row['n']:,}",
            _bar(row["difference"], reach),
        ]
        for slug, row in judged["by_label"].items()
    ]
    text = "Share of the photographs of each evaluated class that the decision rule names."
    table = parts.table(("class", "old", "new", "n", "difference"), rows, "bars")
    return section("Sensitivity of each class", paragraph(text), table)


def _value(estimate: Report | None) -> str:
    if estimate is None:
        return number(None)
    return f"{number(estimate)}<br><small>{estimate['low']:.3f} to {estimate['high']:.3f}</small>"


def _bar(difference: Report | None, reach: float) -> str:
    return svg.interval(difference, None, most=reach, least=-reach) + signed(difference)


def _reach(judged: Report) -> float:
    """Gives the end of the one scale that all bars share."""
    differences = [row["difference"] for name in ("figures", "by_label") for row in judged[name].values()]
    ends = [abs(found[key]) for found in differences if found for key in ("value", "low", "high")]
    return next((reach for reach in (0.2, 0.5) if max(ends, default=0.0) <= reach), 1.0)


def _method(judged: Report) -> str:
    return section(
        "How to read this",
        parts.bullets(
            [
                f"Intervals hold the middle 95 % of {judged['resamples']:,} resamples that draw whole lesions or "
                f"patients with replacement, the same ones for both (seed {judged['seed']}).",
                f"Evaluated classes: {', '.join(name_of(slug).lower() for slug in judged['evaluated'])}.",
                f"Old balanced accuracy: {with_interval(judged['figures']['balanced_accuracy']['old'])}. A model that "
                "is better here need not be better on other people, cameras or places.",
            ]
        ),
    )
