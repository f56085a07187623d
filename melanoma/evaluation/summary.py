"""What `melanoma evaluate` and `melanoma compare` print: a few lines of plain text."""

from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.accounting import comparison_accounting, evaluation_accounting
from melanoma.evaluation.external_text import HEADING, aligned, source_sentences, source_table
from melanoma.evaluation.formatting import METRICS, few_photographs, model_in, number, signed, with_interval
from melanoma.evaluation.metrics.agreement import list_flips
from melanoma.evaluation.report import Report
from melanoma.evaluation.totals import left_out_warning
from melanoma.labels import name_of
from melanoma.wording import counted, lesions

_MAX_FLIPS = 5


def evaluation_summary(report: Report) -> str:
    """Returns the lines of an evaluation.

    Args:
        report: As `evaluate.evaluate` returns it, with `data` as `matching.match` returns it.
    """
    lines = [
        f"{model_in(report['data'])}: {counted(report['n'], 'photograph')} of {lesions(report['groups'])}",
        *_warning(report["data"]),
        *external_lines(report),
        *metric_lines(report),
        *(f"  {sentence}" for sentence in evaluation_accounting(report["data"])),
        f"  {NO_CLINICAL_VALIDATION}",
    ]
    return "\n".join(lines)


def _warning(data: Report) -> list[str]:
    return [f"  {warning}"] if (warning := left_out_warning(data)) else []


def external_lines(report: Report) -> list[str]:
    """Returns a table of the external sources beside the labels of the report; nothing without such sources."""
    if not (external := report.get("external")):
        return []
    return [
        f"  {HEADING}",
        *(f"  {line}" for line in aligned(source_table(report, external, "--labels"))),
        *(f"  {sentence}" for sentence in source_sentences(external)),
        "  The photographs of --labels, in full",
    ]


def metric_lines(report: Report) -> list[str]:
    """Returns the metrics of an evaluation as two aligned tables: over all photographs, and for each class.

    Args:
        report: As `evaluate.evaluate` returns it.
    """
    return [
        *_overall_lines(report),
        f"  {'class':<28} {'n':>7}  {'sensitivity':<24} AUC",
        *(
            f"  {name_of(slug):<28} {metrics['n']:>7,}  {with_interval(metrics['sensitivity']):<24} "
            f"{with_interval(metrics['auc'])}{few_photographs(metrics)}"
            for slug, metrics in report["by_label"].items()
        ),
    ]


def _overall_lines(report: Report) -> list[str]:
    baseline, calibration = report["baseline"], report["calibration"]
    always = f"always {name_of(baseline['label']).lower()}: "
    rows = [
        ("balanced accuracy", report["balanced_accuracy"], always + number(baseline["balanced_accuracy"])),
        ("accuracy", report["accuracy"], always + number(baseline["accuracy"])),
        ("macro AUC", report["macro_auc"], "guessing: 0.500"),
        ("calibration error", calibration["error"], f"perfect: {calibration['perfect']['mean']:.3f}"),
        ("Brier score", report["brier"], "best: 0"),
    ]
    return [f"  {name:<18} {with_interval(estimate):<24} {comparison}" for name, estimate, comparison in rows]


def comparison_summary(report: Report) -> str:
    """Returns the lines of a comparison.

    Args:
        report: As `compare.compare` returns it.
    """
    agreement, n = report["agreement"], report["agreement"]["n"]
    flips = [
        f"{name_of(flip.old).lower()} to {name_of(flip.new).lower()} {flip.n:,}"
        for flip in list_flips(agreement)[:_MAX_FLIPS]
    ]
    lines = [
        f"{model_in(report['old'])} (old) against {model_in(report['new'])} (new) on {counted(n, 'photograph')}",
        *(_warning(report["judged"]["data"]) if report["judged"] else []),
        f"  same class chosen  {agreement['same_top_label']:,} of {n:,}, Cohen's kappa {number(agreement['kappa'])}",
        f"  difference         {agreement['largest_difference']:.3g} at most, {agreement['mean_difference']:.3g} on "
        f"average; {agreement['identical']:,} photographs identical, {agreement['within_1e-5']:,} within 1e-5",
        *([f"  changes            {', '.join(flips)}"] if flips else []),
        *(_judged_lines(report["judged"]) if report["judged"] else []),
        *(f"  {sentence}" for sentence in comparison_accounting(report)),
        f"  {NO_CLINICAL_VALIDATION}",
    ]
    return "\n".join(lines)


def _judged_lines(judged: Report) -> list[str]:
    test, verdict = judged["mcnemar"], judged["verdict"]
    return [
        f"  {'':<34} {'old':>6} {'new':>6}  difference (95 % interval)",
        *(_difference_line(METRICS[name].name, row) for name, row in judged["figures"].items()),
        "  sensitivity by class",
        *(
            _difference_line(f"  {name_of(slug).lower()}, n = {row['n']:,}", row) + few_photographs(row)
            for slug, row in judged["by_label"].items()
        ),
        f"  only one correct   old {test['only_old_right']:,}, new {test['only_new_right']:,}, McNemar's p "
        f"{test['p']:.2g}",
        f"  verdict            {verdict['verdict']}: {'; '.join(verdict['reasons'])}",
    ]


def _difference_line(name: str, row: Report) -> str:
    return f"  {name:<34} {number(row['old']):>6} {number(row['new']):>6}  {signed(row['difference'])}"
