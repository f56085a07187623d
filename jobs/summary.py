"""What a run says at its end."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.night import NightPlan
    from melanoma.runs import Counts, RunRecord

NO_DIAGNOSIS = "Probabilities of a statistical model: this is no diagnosis, and no photograph was seen by a physician."
_OUTCOMES = {
    "committed": "committed",
    "nothing_new": "nothing new, nothing committed",
    "store_down": "the store gave no photograph, nothing committed; try again",
}


def night(plan: "NightPlan", record: "RunRecord", seconds: float) -> str:
    """Sums a run up, counts that add up first."""
    counts = record.counts
    tried = counts.scored + counts.failed
    lines = [
        f"Run {record.run_id}: {_OUTCOMES[record.outcome]} in {seconds:.1f} s",
        f"  counts    {_sum(counts)}",
        f"  rate      {tried / seconds:.0f} images/s, start-up included" if tried else "",
        f"  adopted   {record.adopted:,} rows that an earlier run had staged" if record.adopted else "",
        f"  ignored   {_listing(record.ignored)}" if record.ignored else "",
        f"  failed    {_listing(record.failures)}" if record.failures else "",
        f"  classes   {_listing(record.classes)}" if record.classes else "",
        f"  table     {plan.run.output}" + (f", version {record.table_version}" if record.table_version else ""),
        f"  model     {record.model_id}",
        f"  licence   {_one_line(plan.bundle.files['LICENSE'])}",
        f"  {NO_DIAGNOSIS}",
    ]
    return "\n".join(line for line in lines if line)


def dry_run(counts: "Counts") -> str:
    """Says what a run would do."""
    return (
        f"Would score {counts.scored:,} of {counts.listed:,} listed photographs: {counts.skipped:,} are in the table, "
        f"{counts.duplicates:,} are listed twice. Nothing was read or written."
    )


def _sum(counts: "Counts") -> str:
    return (
        f"{counts.listed:,} listed = {counts.scored:,} scored + {counts.failed:,} failed + {counts.skipped:,} skipped"
        f" + {counts.duplicates:,} duplicates + {counts.deferred:,} deferred"
    )


def _listing(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(figures.items(), key=lambda item: -item[1]))


def _one_line(text: bytes, most: int = 300) -> str:
    words = " ".join(text.decode("utf-8", "replace").split())
    return words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …"
