"""A nightly run as an Airflow DAG: only exit code 3 is retried; all other failures need a person."""

import datetime

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

COMMAND = ["/srv/melanoma/.venv/bin/melanoma", "score", "--config", "/etc/melanoma/night.toml"]
TRY_AGAIN = 3


def score(run_date: str) -> None:
    """Runs once; a failure that a retry cannot fix raises AirflowFailException."""
    import subprocess

    code = subprocess.run([*COMMAND, "--run-date", run_date], check=False).returncode
    if code == TRY_AGAIN:
        raise AirflowException("nothing was committed; the next attempt resumes the run")
    if code:
        raise AirflowFailException(f"exit code {code}: see docs/use/operations.md for what to do")


with DAG(
    dag_id="melanoma_score",
    schedule="30 1 * * *",
    start_date=datetime.datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
):
    PythonOperator(
        task_id="score",
        python_callable=score,
        op_kwargs={"run_date": "{{ ds }}"},
        retries=3,
        retry_delay=datetime.timedelta(minutes=15),
    )
