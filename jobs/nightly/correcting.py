"""After a run: what the manifest says differently by now about photographs that were scored before."""

from jobs.console.lines import say
from jobs.console.wording import counted
from jobs.nightly.plan import RunPlan
from melanoma.errors import MelanomaError, ReadError
from melanoma.ingest.manifests import Manifest, stated_values
from melanoma.table.score_table import ScoreTable


def correct(plan: RunPlan) -> tuple[str, ...]:
    """Updates the corrected values beside the score table; scores nothing and changes no row.

    Returns:
        A warning if it failed: the rows are committed all the same, and the next run tries again.
    """
    try:
        number = sum(_correct(plan, source) for source in plan.sources if isinstance(source, Manifest))
    except MelanomaError as error:
        return (f"values that the manifest corrects are not updated: {error}",)
    except ReadError as error:
        return (f"values that the manifest corrects are not updated: {error.detail}",)
    if number:
        say(f"Corrected the values of {counted(number, 'photograph')} as the manifest says; none was scored again")
    return ()


def _correct(plan: RunPlan, manifest: Manifest) -> int:
    table = ScoreTable.open(plan.layout)
    if table.version is None:
        return 0
    from melanoma.queries import correcting

    return correcting.correct(table, stated_values(manifest))
