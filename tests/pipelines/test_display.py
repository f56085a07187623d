"""What a runner shows of a job: names of steps, display data, annotations, the job's name and options."""

from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from jobs.cli import parse
from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import prepare
from jobs.nightly.remote_job import remote_job
from jobs.nightly.runners import runner_for
from pipelines.scoring import ScoreImages
from tests.helpers import fill

CANARY = "CANARY"


@pytest.fixture(params=[(), ("--runner=PrismRunner",)], ids=["here", "job"])
def pipeline(
    request: pytest.FixtureRequest, tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> beam.Pipeline:
    """The job of a run whose photographs, output, manifest columns and environment hold the canary, not run."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    photographs = tmp_path / f"{CANARY}-in"
    fill(photographs, 1)
    (photographs / f"{CANARY}-patient.jpg").write_bytes(next(photographs.glob("*.jpg")).read_bytes())
    manifest = tmp_path / f"{CANARY}.csv"
    manifest.write_text(f"uri,image_id,{CANARY}_column\n{photographs}/{CANARY}-patient.jpg,{CANARY},{CANARY}\n")
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / f"{CANARY}-out"), "--stop-at", "23:59", "--limit", "1"]
    words += ["--notify-command", f"true {CANARY}", "--manifest", str(manifest), "--keep", f"{CANARY}_column"]
    options = NightlyOptions.from_command_line(parse(["score", *words]).args)
    plan = prepare(options)
    beam_options = parse_beam_options(request.param)
    job = remote_job(runner_for(beam_options), beam_options, plan.runs[0].run_id, has_workers_elsewhere=False)
    assert (job is not None) == bool(request.param)
    built = beam.Pipeline(options=beam_options)
    transform = ScoreImages(plan.models, options.batch_size, options.chunk_size, options.limit, 2)
    _ = built | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform
    return built


def shown(pipeline: beam.Pipeline) -> Iterator[str]:
    """Yields everything that a runner's page shows of a pipeline."""
    components = pipeline.to_runner_api().components
    for transform in components.transforms.values():
        yield transform.unique_name
        yield from map(str, transform.display_data)
        yield from (f"{name}={value!r}" for name, value in transform.annotations.items())
    for collection in components.pcollections.values():
        yield collection.unique_name
        yield from map(str, collection.display_data)
    for environment in components.environments.values():
        yield from map(str, environment.display_data)


def options_shown(options: PipelineOptions) -> str:
    return f"{options.get_all_options()} {options.display_data()}"


def test_a_runner_shows_no_secret_and_no_name(pipeline: beam.Pipeline, tmp_path: Path) -> None:
    texts = list(shown(pipeline))
    assert any("ReadAndDecode" in text for text in texts) and any("Commit0" in text for text in texts)
    assert [text for text in texts if CANARY in text or str(tmp_path) in text] == []
    assert ("melanoma-20" in options_shown(pipeline.options)) == ("Prism" in options_shown(pipeline.options))
    assert CANARY not in options_shown(pipeline.options) and str(tmp_path) not in options_shown(pipeline.options)


def test_what_is_shown_would_give_a_secret_away(pipeline: beam.Pipeline) -> None:
    """The test above looks where such things would be."""

    class Telling(beam.DoFn):
        def process(self, element: object) -> None:
            """Does nothing."""

        def display_data(self) -> dict[str, str]:
            return {"folder": CANARY}

    _ = pipeline | beam.Create([1]) | beam.ParDo(Telling())
    _ = pipeline | f"For {CANARY}" >> beam.Create([1])
    found = [text for text in shown(pipeline) if CANARY in text]
    assert any("folder" in text for text in found) and any(text.startswith("For ") for text in found)
    assert CANARY in options_shown(PipelineOptions([f"--temp_location={CANARY}"]))
