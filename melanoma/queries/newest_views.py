"""The views of the newest results: `latest`, `current` and `failures`."""

from melanoma.errors import MAY_HEAL
from melanoma.queries.view import ViewInput, literal
from melanoma.runs.retry_policy import DAILY_RETRIES, DAYS_AT_FIRST, DAYS_LATER

_HEALING = ", ".join(f"'{kind.value}'" for kind in sorted(MAY_HEAL))
_DAYS_TO_NEXT_TRY = f"CASE WHEN attempt <= {DAILY_RETRIES} THEN {DAYS_AT_FIRST} ELSE {DAYS_LATER} END"
# The newest row of a photograph is the one written last, whichever version of the photograph it belongs to.
LATEST = """
SELECT * EXCLUDE (_place, _failed_at, _failure),
       coalesce(_failed_at > scored_at, false) AS newer_failed,
       coalesce(_failed_at > scored_at AND _failure = 'missing', false) AS gone
FROM (
  SELECT *,
         row_number() OVER (PARTITION BY image_uri, model_id, status ORDER BY scored_at DESC, attempt DESC) AS _place,
         max(scored_at) FILTER (status = 'failed') OVER photograph AS _failed_at,
         arg_max(error_kind, scored_at) FILTER (status = 'failed') OVER photograph AS _failure
  FROM scores
  WINDOW photograph AS (PARTITION BY image_uri, model_id)
)
WHERE status = 'scored' AND _place = 1
"""
FAILURES = f"""
SELECT image_id, image_uri, image_version, model_id, error_kind, error, attempt AS attempts, _first AS first_failed_at,
       scored_at AS last_failed_at, _scored_before AS scored_before, error_kind IN ({_HEALING}) AS may_heal,
       CASE WHEN error_kind IN ({_HEALING}) THEN run_date + {_DAYS_TO_NEXT_TRY} END AS next_try
FROM (
  SELECT *,
         row_number() OVER (PARTITION BY image_uri, model_id ORDER BY scored_at DESC, attempt DESC) AS _place,
         min(scored_at) FILTER (status = 'failed') OVER version AS _first,
         count(*) FILTER (status = 'scored') OVER (PARTITION BY image_uri, model_id) > 0 AS _scored_before
  FROM scores
  WINDOW version AS (PARTITION BY image_uri, image_version, model_id)
)
WHERE status = 'failed' AND _place = 1
"""  # noqa: S608 - built from constants only


def current(given: ViewInput) -> str:
    """Returns the query of `current`: the newest results of the model that counts."""
    # DuckDB does not accept parameters in a view.
    return f"SELECT * FROM latest WHERE model_id = {literal(given.model_id or '')}"  # noqa: S608 - quoted
