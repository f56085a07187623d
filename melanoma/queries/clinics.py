"""The view `clinics`: failures, classes and drift by the place that photographs come from."""

from melanoma.model.reference_distribution import (
    BINS,
    CALM,
    LOOK,
    LOOK_LIMIT,
    MIN_PHOTOGRAPHS,
    WARN,
    WARNING_LIMIT,
)
from melanoma.queries.view import ViewInput, literal, quoted
from melanoma.table.schema import PROBABILITY_PREFIX

_ROLE, _TOP_LABEL, _OOD_SCORE = "clinic", "top_label", "ood_score"
_READ = ("image_uri", _TOP_LABEL, "flag_melanoma", "review", _OOD_SCORE)
_NOTE = f"drift not judged: fewer than {MIN_PHOTOGRAPHS} scored photographs here or elsewhere"
# Archives count as folders. The last part of a folder is empty, so that no name counts as part of a longer one.
_FOLDER = r"""
string_split(CASE WHEN regexp_matches(image_uri, '^(zip|tar)://') THEN split_part(image_uri, '::', -1) || '/'
                  ELSE regexp_replace(image_uri, '[^/]*$', '') END, '/')
"""
# Names and folders that all photographs share are those that the first and the last one share; at least the protocol.
_SHARED = """
greatest(len(list_filter(range(1, len(min(_place)) + 1), lambda n: min(_place)[1:n] = max(_place)[1:n])), 2)
"""


def clinics(given: ViewInput) -> str:
    """Returns the SQL of `clinics`: one row per clinic, over the rows of the current model.

    A clinic is a value of a kept column, or a folder: `clinic_levels` names below the folder that all photographs
    share. Drift is the population stability index of a clinic against all others, as computed by
    `melanoma.reporting.drift.stability_index`: the largest over the probabilities, `ood_score` and `top_label`.

    Raises:
        UsageError: The table lacks the column that the user chose.
    """
    labels = [name.removeprefix(PROBABILITY_PREFIX) for name in given.probabilities]
    columns = [
        "count(*) AS photographs",
        "count(top_label) AS scored",
        "photographs - scored AS failed",
        "failed / photographs AS failed_share",
        "count(*) FILTER (newer_failed) AS newer_failed",
        "CAST(sum(CAST(flag_melanoma AS INT)) AS BIGINT) AS flagged",
        "CAST(sum(CAST(review AS INT)) AS BIGINT) AS to_review",
        "any_value(_psi) AS drift",
        "any_value(_psi_column) AS drift_column",
        f"CASE WHEN drift > {WARNING_LIMIT} THEN '{WARN}' WHEN drift > {LOOK_LIMIT} THEN '{LOOK}' "
        f"WHEN drift IS NOT NULL THEN '{CALM}' END AS drift_level",
        f"CASE WHEN drift IS NULL THEN {literal(_NOTE)} END AS note",
        *(f"avg(CAST(top_label = {literal(label)} AS INT)) AS {quoted(f'share_{label}')}" for label in labels),
        *(f"avg(CAST({quoted(name)} AS DOUBLE)) AS {quoted(f'mean_{name}')}" for name in given.probabilities),
    ]
    return f"""
WITH {_members(given)},
_bins AS ({_bins([*given.probabilities, _OOD_SCORE])}),
_drift AS (SELECT _clinic, max(psi) AS _psi, arg_max(name, psi) AS _psi_column FROM ({_STABILITY}) GROUP BY _clinic)
SELECT nullif(_clinic, '') AS clinic, {", ".join(columns)}
FROM _members LEFT JOIN _drift USING (_clinic) GROUP BY _clinic
"""  # noqa: S608 - names are quoted


def _members(given: ViewInput) -> str:
    """Returns the SQL of one row per photograph with its clinic: the newest result, or else the newest failure."""
    columns = ", ".join(map(quoted, (*_READ, *given.probabilities)))
    if _ROLE in given.roles:
        place = f"coalesce(trim(CAST({quoted(given.column_for(_ROLE, 'clinics').name)} AS VARCHAR)), '')"
        clinic = "_place"
    else:
        place = _FOLDER
        clinic = f"rtrim(array_to_string(_place[1:_shared + {int(given.clinic_levels)}], '/'), '/')"
    return f"""
_photographs AS (
  SELECT {columns}, newer_failed, {place} AS _place FROM current
  UNION ALL BY NAME
  SELECT {columns}, {place} AS _place FROM scores ANTI JOIN current USING (image_uri)
  WHERE model_id = {literal(given.model_id or "")}
  QUALIFY row_number() OVER (PARTITION BY image_uri ORDER BY scored_at DESC, attempt DESC) = 1
),
_members AS (SELECT *, {clinic} AS _clinic FROM _photographs, (SELECT {_SHARED} AS _shared FROM _photographs))
"""  # noqa: S608 - names are quoted


def _bins(names: list[str]) -> str:
    """Returns the SQL of the number of photographs of each clinic in each bin of each column."""
    bin_of = {
        name: f"least(floor(CAST({quoted(name)} AS DOUBLE) * {BINS}), {BINS - 1})::INT::VARCHAR" for name in names
    }
    return " UNION ALL ".join(
        f"SELECT _clinic, {literal(name)} AS name, {bin_} AS bin, count(*) AS n FROM _members "  # noqa: S608
        f"WHERE {quoted(name)} IS NOT NULL GROUP BY ALL"
        for name, bin_ in {**bin_of, _TOP_LABEL: _TOP_LABEL}.items()
    )


_STABILITY = f"""
WITH grid AS (
  SELECT DISTINCT name, bin FROM _bins
  UNION SELECT name, unnest(range({BINS}))::VARCHAR FROM _bins WHERE name <> '{_TOP_LABEL}'
),
counts AS (
  SELECT _clinic, name, n, sum(n) OVER (PARTITION BY name, bin) - n AS others
  FROM (
    SELECT _clinic, name, bin, coalesce(_bins.n, 0) AS n
    FROM (SELECT DISTINCT _clinic FROM _bins) CROSS JOIN grid LEFT JOIN _bins USING (_clinic, name, bin)
  )
)
SELECT _clinic, name, sum((other_share - share) * ln(other_share / share)) AS psi
FROM (
  SELECT _clinic, name, n, others, (n + 0.5) / (sum(n) OVER column_ + 0.5 * count(*) OVER column_) AS share,
         (others + 0.5) / (sum(others) OVER column_ + 0.5 * count(*) OVER column_) AS other_share
  FROM counts WINDOW column_ AS (PARTITION BY _clinic, name)
)
GROUP BY _clinic, name HAVING sum(n) >= {MIN_PHOTOGRAPHS} AND sum(others) >= {MIN_PHOTOGRAPHS}
"""  # noqa: S608 - constants
