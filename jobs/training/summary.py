"""What `melanoma train` prints at the end: the results on the test part, the bundle, and the next commands."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.training.options import TrainOptions
from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.wording import counted, lesions

if TYPE_CHECKING:
    from melanoma.training.release.assessment import Assessment

_TABLE = "scores"
_PARTS = {"train": "training", "validation": "validation"}


def results(assessment: "Assessment") -> str:
    """Returns the metrics on the test part as aligned tables, and the balanced accuracy on the other parts."""
    from melanoma.evaluation.formatting import with_interval
    from melanoma.evaluation.summary import metric_lines

    report = assessment.report
    subgroups = ", ".join(report["subgroups"] or ())
    others = {f"balanced accuracy, {_PARTS[part]} part": metric for part, metric in assessment.gap.items()}
    lines = [
        f"test part, used neither for training nor for any choice: {counted(report['n'], 'photograph')} of "
        f"{lesions(report['groups'])}, 95 % intervals",
        *_external_lines(assessment),
        *metric_lines(report),
        *(f"  {name:<36} {with_interval(metric)}" for name, metric in others.items()),
        *([f"  Subgroups by {subgroups} are on the card."] if subgroups else []),
        *_notes(report),
        f"  {NO_CLINICAL_VALIDATION}",
    ]
    return "\n".join(lines)


def _external_lines(assessment: "Assessment") -> list[str]:
    """Returns the results on other sources beside those on the test part; nothing without such sources."""
    from melanoma.evaluation.external_text import HEADING, aligned, source_sentences, source_table

    if not (parts := assessment.external):
        return []
    lines = [*aligned(source_table(assessment.report, parts)), *source_sentences(parts)]
    return [f"  {HEADING}", *(f"  {line}" for line in lines)]


def _notes(report: Mapping[str, Any]) -> list[str]:
    """Returns a note if the network may not have learned anything."""
    measured, guessed = report["balanced_accuracy"], report["baseline"]["balanced_accuracy"]
    if measured is None or guessed is None or measured["low"] > guessed["value"]:
        return []
    return [
        "  Note: this balanced accuracy may be chance, because always predicting one class reaches "
        f"{guessed['value']:.3f}. The network needs more epochs or more photographs."
    ]


def next_steps(options: TrainOptions, model_id: str) -> str:
    """Returns the bundle's address and the commands that usually follow, ready to paste into a shell."""
    from melanoma.datasets.label_tables import is_table

    images = options.root[:1] or tuple(uri for uri in options.data if not is_table(uri))
    split = str(Path(options.output) / "split.csv")
    labels = ["--labels", split, "--id-column", "image_id", "--label-column", "label", "--group-column", "group"]
    labels += ["--trained-on", split]
    score = [word for uri in images for word in ("--images", uri)]
    commands = {
        "read its card": ["bundle", "inspect", options.output, "--card"],
        "score photographs with it": ["score", *score, "--bundle", options.output, "--output", _TABLE],
        "measure these scores on the test part": ["evaluate", _TABLE, "--model", model_id, *labels],
        "compare it with another model in the table (melanoma table models scores); OLD_SPLIT is its split.csv": [
            *("compare", _TABLE, "--old-model", "OLD_MODEL", "--new-model", model_id, *labels),
            *("--trained-on", "OLD_SPLIT"),
        ],
        "make its results the current ones": ["table", "promote", _TABLE, model_id],
    }
    steps = [f"  # {purpose}\n  {shlex.join(['melanoma', *words])}" for purpose, words in commands.items()]
    return "\n".join([f"{options.output}: {model_id}", "next:", *steps])
