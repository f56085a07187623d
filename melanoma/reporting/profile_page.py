"""The picture of a profiled run: when each worker listed, read, decoded, scored, staged and committed."""

from collections.abc import Mapping

from melanoma import html_page
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import data_table, escaped, paragraph, section
from melanoma.reporting import messages
from melanoma.reporting.style import STYLE
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs.records import STAGES, RunRecord
from melanoma.runs.timeline import Timeline

MOST_WORKERS = 32  # that are drawn each by itself
_LEFT, _WIDTH, _ROW, _GAP = 190, 770, 34, 8
_TICKS = 6
_HOW = (
    "Each row is one kind of work of one worker process, from the start of the run on. The height of a bar is the "
    "number of threads that did this work in that step of time, on average; the number beside the row is that of its "
    "highest bar. A gap in the row of the network is time in which it waited."
)
_CLUSTER = (
    "On a cluster, a worker is one process of one machine, and the times are those of its own clock: rows of different "
    "machines may be shifted against each other. What the runner does itself, such as moving data and starting "
    "workers, is not measured and appears as a gap."
)


def profile_page(run: ReportedRun) -> str:
    """Returns the picture of a run as a page without scripts; empty if the run was not profiled.

    Args:
        run: The run; its content says what it waited for.
    """
    record, timeline = run.record, run.record.timeline
    if timeline is None:
        return ""
    back = f'<p class="muted"><a href="{escaped(record.run_id)}.html">Report of this run</a></p>'
    bottleneck = messages.bottleneck_sentence(run.content.get("bottleneck", {}))
    parts = [
        f'<p class="head" role="status">{escaped(bottleneck or "Nothing was scored, so no stage was waited for.")}</p>',
        back,
        *_charts(timeline, record.seconds or 0.0),
        paragraph(_HOW, "muted"),
        paragraph(_CLUSTER, "muted"),
        section("Work of each stage", _table(record, timeline)),
    ]
    return html_page.document(f"Profile of the run of {record.run_date}", parts, STYLE, NO_DIAGNOSIS)


def _charts(timeline: Timeline, seconds: float) -> list[str]:
    """Draws the workers, those with the smallest numbers first, on one axis."""
    workers: dict[str, dict[str, Mapping[int, float]]] = {}
    for row, work in timeline.rows():
        workers.setdefault(row.worker, {})[row.stage] = work
    steps = max(timeline.steps, min(_steps_in(seconds, timeline), 2 * timeline.steps), 1)
    ordered = sorted(workers, key=lambda worker: (len(worker), worker))
    charts = [
        f"<h3>Worker {escaped(worker)}</h3>" + _chart(workers[worker], timeline.step, steps)
        for worker in ordered[:MOST_WORKERS]
    ]
    if len(ordered) > MOST_WORKERS:
        charts.append(paragraph(f"and {len(ordered) - MOST_WORKERS:,} more workers, in the record of the run", "muted"))
    return charts


def _steps_in(seconds: float, timeline: Timeline) -> int:
    return int(seconds / timeline.step) + 1


def _chart(stages: Mapping[str, Mapping[int, float]], step: float, steps: int) -> str:
    shown = [name for name in STAGES if stages.get(name)]
    rows = "".join(_row(name, stages[name], step, steps, place * (_ROW + _GAP)) for place, name in enumerate(shown))
    height = len(shown) * (_ROW + _GAP)
    ticks = "".join(
        f'<text x="{_LEFT + _WIDTH * tick / _TICKS:.1f}" y="{height + 12}" text-anchor="middle">'
        f"{_clock(steps * step * tick / _TICKS)}</text>"
        for tick in range(_TICKS + 1)
    )
    spoken = ", ".join(f"{messages.STAGE_NAMES[name]} {sum(stages[name].values()):,.1f} s" for name in shown)
    return (
        f'<div class="scroll"><svg class="series" viewBox="0 0 {_LEFT + _WIDTH + 40} {height + 18}" role="img" '
        f'aria-label="{escaped(spoken)}">{rows}{ticks}</svg></div>'
    )


def _row(name: str, work: Mapping[int, float], step: float, steps: int, top: int) -> str:
    most = max(max(work.values()) / step, 1e-9)
    bottom, width = top + _ROW, _WIDTH / steps
    bars = "".join(
        f'<rect class="cell" x="{_LEFT + width * place:.1f}" y="{bottom - _ROW * seconds / step / most:.1f}" '
        f'width="{max(width - 0.3, 0.3):.2f}" height="{_ROW * seconds / step / most:.1f}"><title>'
        f"{_clock(place * step)}: {seconds / step:.2g} at work</title></rect>"
        for place, seconds in sorted(work.items())
        if seconds > 0
    )
    return (
        f'<text x="{_LEFT - 8}" y="{bottom - 8}" text-anchor="end">{messages.STAGE_NAMES[name]}</text>'
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{bottom}.5" y2="{bottom}.5"/>{bars}'
        f'<text x="{_LEFT + _WIDTH + 6}" y="{top + 11}">{most:.2g}</text>'
    )


def _clock(seconds: float) -> str:
    """Returns a time since the start of the run, such as `2.5 s` or `1:05 h`."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60}:{minutes % 60:02} h"


def _table(record: RunRecord, timeline: Timeline) -> str:
    rows = [
        (
            messages.STAGE_NAMES[name],
            f"{stage.seconds:,.2f}",
            f"{stage.photographs:,}",
            f"{stage.photographs / stage.seconds:,.0f}",
            f"{timeline.seconds(name) / (timeline.steps * timeline.step):.2f}",
        )
        for name in STAGES
        if (stage := record.stages.get(name)) and stage.seconds
    ]
    return data_table(
        ("stage", "seconds of work", "photographs", "photographs per second of work", "at work, on average"), rows
    )
