"""External results in words: a table beside the internal ones, and sentences, the same in every place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from melanoma.evaluation.formatting import UNDEFINED, class_counts, with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA, MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.report import Report
from melanoma.labels import name_of
from melanoma.wording import counted

HEADING = "At other hospitals"
LEAD = (
    "A split by lesion keeps a lesion out of training, but not the hospital, its camera and its way of taking "
    "photographs. So the results on photographs of other sources come first: these are what a new user should expect. "
    "Means are over the classes that a column evaluates: compare columns only where these are the same."
)
INTERNAL = "internal: test part"
_BASES = {
    "content": "by their bytes",
    "id": "by their names",
    "near_duplicate": "because they look alike",
    "group": "by their lesions or patients",
}
_FIGURES: dict[str, Callable[[Report], Report | None]] = {
    "balanced accuracy": lambda report: report["balanced_accuracy"],
    "the same, without answers that no label names": lambda report: report.get("balanced_accuracy_asked"),
    "accuracy": lambda report: report["accuracy"],
    "mean AUC of the classes": lambda report: report["macro_auc"],
    "AUC of melanoma": lambda report: report["by_label"].get(MELANOMA, {}).get("auc"),
    "melanoma flag: sensitivity": lambda report: (report["flag_melanoma"] or {}).get("sensitivity"),
    "melanoma flag: specificity": lambda report: (report["flag_melanoma"] or {}).get("specificity"),
    "share set for review": lambda report: (report["review"] or {}).get("share"),
    "accuracy of the rest": lambda report: (report["review"] or {}).get("accuracy_kept"),
    "calibration error": lambda report: (report["calibration"] or {}).get("error"),
    "Brier score": lambda report: report["brier"],
}


def source_table(internal: Report | None, parts: Sequence[Report], name: str = INTERNAL) -> list[list[str]]:
    """Returns the rows of a table with a column per source, its heading first.

    Args:
        internal: Results on photographs of the sources that training has seen; None if there are none.
        parts: Results per external source, as `external.evaluate_source` returns them.
        name: Heading of the internal column.
    """
    columns = {name: internal} if internal else {}
    columns |= {f"external: {part['source']}": part for part in parts}
    reports = list(columns.values())
    rows = [
        ["", *columns],
        ["photographs", *(f"{report['n']:,}" for report in reports)],
        ["lesions or patients", *(f"{report['groups']:,}" for report in reports)],
        ["classes that are evaluated", *(f"{len(report['evaluated'])}" for report in reports)],
    ]
    rows += [[text, *(with_interval(figure(report)) for report in reports)] for text, figure in _FIGURES.items()]
    rows += [row for label in _asked(parts) for row in _class_rows(label, reports)]
    return [row for row in rows if any(cell != UNDEFINED for cell in row[1:])]


def _asked(parts: Sequence[Report]) -> list[str]:
    """Returns the classes that at least one external source evaluates."""
    return sorted({label for part in parts for label in part["evaluated"]})


def _class_rows(label: str, reports: Sequence[Report]) -> Iterator[list[str]]:
    for metric, text in (("sensitivity", "sensitivity"), ("auc", "AUC")):
        found = [report["by_label"].get(label) for report in reports]
        cells = [with_interval(one[metric]) if one and one.get("evaluated", True) else UNDEFINED for one in found]
        yield [f"{name_of(label)}: {text}", *cells]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns rows as lines of aligned columns, for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def source_sentences(parts: Sequence[Report], flag_aim: float | None = None) -> list[str]:
    """Returns what the table does not show: what was left out, and what holds at which source.

    Args:
        parts: As in `source_table`.
        flag_aim: Sensitivity that the melanoma flag was chosen for, 0 to 1; None if it is not known.
    """
    sentences = [sentence for part in parts for sentence in _about(part)]
    return [*_verdicts(parts, flag_aim), *sentences]


def _verdicts(parts: Sequence[Report], flag_aim: float | None) -> Iterator[str]:
    """Yields for which sources the flag and the probabilities do not hold, the worst one first."""
    found: dict[str, Any] = {part["source"]: (part["flag_melanoma"] or {}).get("sensitivity") for part in parts}
    known = sorted((flag["value"], source) for source, flag in found.items() if flag and flag["n"])
    if flag_aim is not None and known:
        fewer = [source for _, source in known if found[source]["high"] < flag_aim]
        missed = [f"{source}: {with_interval(found[source])}" for source in fewer]
        aim = f"The melanoma flag was chosen to find {100 * flag_aim:.0f} % of the melanomas"
        worst = f"at the worst source, {known[0][1]}, it finds {with_interval(found[known[0][1]])}"
        yield f"{aim}. It finds fewer at {'; at '.join(missed)}." if missed else f"{aim}; {worst}."
    errors = {part["source"]: part["calibration"] for part in parts if part["calibration"]}
    wrong = sorted((-one["error"]["value"], source) for source, one in errors.items() if _is_miscalibrated(one))
    if wrong:
        listed = ", ".join(f"{source} ({-error:.3f})" for error, source in wrong)
        yield f"The probabilities are not calibrated at {listed}: do not read them as chances there."


def _is_miscalibrated(calibration: Mapping[str, Any]) -> bool:
    error = calibration["error"]
    return error is not None and bool(error["value"] > calibration["perfect"]["high"])


def _about(part: Report) -> Iterator[str]:
    source, data = part["source"], part["data"]
    yield f"{source}: {_left_out(data)}"
    if unknown := data["classes_unknown_to_model"]:
        yield f"{source}: left out, because the model does not know their classes: {class_counts(unknown)}."
    if part["answers_not_asked"]:
        classes = ", ".join(name_of(slug).lower() for slug in data["classes_without_label"])
        yield (
            f"{source}: no label names {classes}; these have no figure and are in no mean. The model answered one of "
            f"them for {counted(part['answers_not_asked'], 'photograph')}."
        )
    few = {slug: one["n"] for slug, one in part["by_label"].items() if 0 < one["n"] < MIN_TEST_PHOTOGRAPHS}
    if few:
        yield f"{source}: too few photographs to evaluate: {class_counts(few)}."


def _left_out(data: Report) -> str:
    if not data["trained_on"]:
        return "whether training has seen some of its photographs was not checked (--trained-on)."
    count, by = data["photographs_trained_on"], data.get("photographs_trained_on_by", {})
    reasons = ", ".join(f"{n:,} {_BASES[basis]}" for basis, n in by.items())
    searched = "" if data["near_duplicates_searched"] else "; near duplicates were not searched for"
    if not count:
        return f"none of its photographs is among those of training, validation or test{searched}."
    return f"{counted(count, 'photograph')} left out, in training, validation or test ({reasons}){searched}."
