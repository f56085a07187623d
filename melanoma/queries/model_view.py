"""The view `models`: one row per model of the score table."""

from melanoma.queries.view import ViewInput, literal


def models(given: ViewInput) -> str:
    """Returns the query of `models`; a model is called as its newest run called it, null if no run states a name."""
    # DuckDB does not accept parameters in a view.
    return f"""
    SELECT model_id, _names.name, count(*) AS rows, count(*) FILTER (status = 'scored') AS scored,
           min(run_id) AS first_run, max(run_id) AS last_run, model_id = {literal(given.model_id or "")} AS is_promoted
    FROM scores LEFT JOIN (
      SELECT model_id, arg_max(model_name, run_id) FILTER (model_name IS NOT NULL) AS name FROM nights GROUP BY model_id
    ) AS _names USING (model_id)
    GROUP BY ALL
    """  # noqa: S608 - quoted
