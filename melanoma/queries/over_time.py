"""The view `over_time`: the probabilities of each lesion by date, and how much of a change is noise."""

import math
from collections.abc import Sequence

from melanoma.queries.dating import dating_for
from melanoma.queries.view import ViewInput, is_filled, literal, quoted
from melanoma.table.schema import PROBABILITY_PREFIX

MIN_REPEATS = 30  # from so many on, the noise itself is known to about 13 % (1 / sqrt(2 * repeats))
CLIP = 0.001  # closer to 0 or 1, a difference of logits is large and means nothing
BAND = 2.0  # standard deviations to either side, which hold about 95 % of the repeats
# Both ends of a change are noisy. Source: Bland and Altman, "Measurement error", BMJ 313:744, 1996.
CHANGE_BAND = BAND * math.sqrt(2)

_NO_DATES = "no noise band: dates of runs do not tell which photographs are repeats; name a column with --date-column"
_FEW_REPEATS = f"no noise band: fewer than {MIN_REPEATS} repeats"


def over_time(given: ViewInput) -> str:
    """Returns the SQL of `over_time`: one row per lesion, date and label, over the view `current`.

    Photographs of one lesion on one date are repeats. Their standard deviation, pooled over all lesions and dates of
    the table, is the noise of one photograph. It is computed from logits, where it depends least on the probability
    itself. Files with the same bytes count once, since nothing was measured twice.

    Raises:
        UsageError: The table lacks the column of lesions, or the column of dates cannot be used.
    """
    lesion = given.column_for("lesion", "over_time").name
    dating = dating_for(given, "over_time")
    note = f"CASE WHEN noise IS NULL THEN {literal(_FEW_REPEATS if dating.is_of_visits else _NO_DATES)} END"
    return f"""
WITH _days AS NOT MATERIALIZED ({_days(given, lesion, dating.time)}),
_noise AS ({_noise(given.probabilities, dating.is_of_visits)}),
_changes AS (
  SELECT *, lag(probability) OVER lesion AS previous, _logit - lag(_logit) OVER lesion AS _change
  FROM (SELECT *, {_logit("probability")} AS _logit FROM ({_by_label(given.probabilities)}))
  WINDOW lesion AS (PARTITION BY _lesion, label ORDER BY _date)
)
SELECT _lesion AS {quoted(lesion)}, _date AS date, {literal(dating.column)} AS dated_by, label, photographs,
       probability,
       CASE WHEN noise IS NOT NULL THEN least(probability, 1 / (1 + exp({BAND} * noise - _logit))) END AS low,
       CASE WHEN noise IS NOT NULL THEN greatest(probability, 1 / (1 + exp(-{BAND} * noise - _logit))) END AS high,
       previous, probability - previous AS change, abs(_change) > {CHANGE_BAND} * noise AS beyond_noise,
       noise, repeats, {note} AS note
FROM _changes JOIN _noise USING (label)
"""  # noqa: S608 - names are quoted


def _days(given: ViewInput, lesion: str, time: str) -> str:
    """Returns the SQL of one row per lesion and date, with number, mean and sum of squares of each probability.

    The squares are those of the deviations of the logits from their mean. Wide rows take a third of the time of long
    ones.
    """
    names = given.probabilities
    values = ", ".join(f"max({quoted(name)}) AS {quoted(name)}" for name in names)
    columns = ", ".join(
        f"count({name}) AS n_{place}, avg(CAST({name} AS DOUBLE)) AS mean_{place}, "
        f"var_pop({_logit(name)}) * n_{place} AS squares_{place}"
        for place, name in enumerate(map(quoted, names))
    )
    return f"""
SELECT _lesion, _date, {columns}
FROM (
  SELECT _lesion, _date, {values}
  FROM (
    SELECT {quoted(lesion)} AS _lesion, CAST({time} AS DATE) AS _date, coalesce(image_sha256, image_uri) AS _content,
           {", ".join(map(quoted, names))}
    FROM current WHERE {is_filled(lesion)}
  )
  WHERE _date IS NOT NULL GROUP BY _lesion, _date, _content
)
GROUP BY _lesion, _date
"""  # noqa: S608 - names are quoted


def _by_label(names: Sequence[str]) -> str:
    """Returns the SQL of one row per lesion, date and label that the model knows."""
    entries = ", ".join(
        f"{{label: {literal(_label(name))}, photographs: n_{place}, probability: mean_{place}}}"
        for place, name in enumerate(names)
    )
    rows = f"SELECT _lesion, _date, unnest([{entries}], recursive := true) FROM _days"  # noqa: S608 - names are quoted
    return f"SELECT * FROM ({rows}) WHERE photographs > 0"  # noqa: S608


def _noise(names: Sequence[str], is_known: bool) -> str:
    """Returns the SQL of one row per label: the number of repeats, and their pooled standard deviation."""
    entries = ", ".join(
        f"{{label: {literal(_label(name))}, repeats: sum(greatest(n_{place} - 1, 0)), squares: sum(squares_{place})}}"
        for place, name in enumerate(names)
    )
    return f"""
SELECT label, CAST(repeats AS BIGINT) AS repeats,
       CASE WHEN repeats >= {MIN_REPEATS} AND {is_known} THEN sqrt(squares / repeats) END AS noise
FROM (SELECT unnest([{entries}], recursive := true) FROM _days)
"""  # noqa: S608 - names are quoted


def _label(name: str) -> str:
    return name.removeprefix(PROBABILITY_PREFIX)


def _logit(value: str) -> str:
    clipped = f"greatest({CLIP}, least({1 - CLIP}, CAST({value} AS DOUBLE)))"
    return f"ln({clipped} / (1 - {clipped}))"
