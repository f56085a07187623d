"""End to end against a real S3 server on this machine, with credentials from the usual environment only."""

from pathlib import Path

import pytest

from jobs.cli import main
from melanoma import storage
from melanoma.runs import heartbeats
from tests.helpers import photograph, write_tiny_bundle
from tests.helpers.odd_names import NAMES
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import rows


@pytest.mark.service
def test_photographs_are_read_from_and_the_table_is_written_to_s3(bucket: str, bundle_uri: str) -> None:
    for index, name in enumerate(NAMES):
        storage.write_bytes(f"{bucket}/photos/{name}", photograph(index))
    storage.write_bytes(f"{bucket}/photos/broken.jpg", b"GIF89a")
    words = ["score", "--images", f"{bucket}/photos", "--bundle", bundle_uri, "--output", f"{bucket}/scores"]
    assert main(words) == 0
    found = {row["image_uri"].removeprefix(f"{bucket}/photos/"): row["status"] for row in rows(f"{bucket}/scores")}
    assert found == {**dict.fromkeys(NAMES, "scored"), "broken.jpg": "failed"}
    assert main(words) == 0
    assert table_in(f"{bucket}/scores").version == 1
    storage.write_bytes(f"{bucket}/photos/plain.jpg", photograph(99))
    assert main(words) == 0
    assert len([row for row in rows(f"{bucket}/scores") if row["image_id"] == "plain"]) == 2


@pytest.mark.service
def test_what_others_write_and_remove_is_seen_at_once(bucket: str) -> None:
    import s3fs

    other, folder = s3fs.S3FileSystem(skip_instance_cache=True), f"{bucket}/photos"
    storage.write_bytes(f"{folder}/a.jpg", b"a")
    assert [file.uri for file in storage.list_files(folder)] == [f"{folder}/a.jpg"]
    other.pipe_file(f"{folder}/b.jpg", b"b")
    assert storage.exists(f"{folder}/b.jpg")
    other.rm_file(f"{folder}/a.jpg")
    assert [file.uri for file in storage.list_files(folder)] == [f"{folder}/b.jpg"]
    assert not storage.exists(f"{folder}/a.jpg")


@pytest.mark.service
def test_a_bundle_is_read_from_s3(bucket: str, bundle_uri: str, tmp_path: Path) -> None:
    for path in Path(bundle_uri).rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{bucket}/bundle/{path.relative_to(bundle_uri)}", path.read_bytes())
    (tmp_path / "a.jpg").write_bytes(photograph(0))
    assert main(["score", "--images", str(tmp_path), "--bundle", f"{bucket}/bundle", "--output", str(tmp_path)]) == 0


@pytest.mark.service
def test_a_bucket_that_does_not_exist_is_a_mistake(
    s3_endpoint: str, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", "--images", "s3://no-such-bucket-0/x", "--bundle", bundle_uri, "--output", str(tmp_path)]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "check --images" in error and "testing-secret" not in error


@pytest.mark.service
def test_the_life_of_a_table_on_s3(
    bucket: str, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Preflight, two models, a deadline, reports, a second start, promotion, compaction, and a patient erased."""
    other = write_tiny_bundle(tmp_path / "other", seed=4)
    for index in range(3):
        storage.write_bytes(f"{bucket}/in/DOE-JANE-{index}.jpg", photograph(index))
    storage.write_bytes(f"{bucket}/in/other.jpg", photograph(9))
    output = f"{bucket}/years"
    words = ["--images", f"{bucket}/in", "--bundle", bundle_uri, "--bundle", other, "--output", output]
    assert main(["doctor", *words]) == 0
    assert main(["score", *words, "--max-time", "0s"]) == 0
    with heartbeats.beating(layout_of(output), "20200101T000000Z-00000000"):
        assert main(["score", *words]) == 3
    assert main(["score", *words, "--show-uris"]) == 0
    assert len(rows(output)) == 8 and not heartbeats.active(layout_of(output))
    uri = next(row["image_uri"] for row in rows(output) if row["image_id"] == "DOE-JANE-0")
    assert main(["explain", output, uri]) == 0
    models = [model.model_id for model in table_in(output).models()]
    assert main(["table", "promote", output, models[1]]) == 0
    assert table_in(output).promoted() == models[1]
    assert main(["table", "compact", output]) == 0
    export = f"{bucket}/latest.parquet"
    assert main(["query", output, "--export", export]) == 0 and storage.exists(export)
    (tmp_path / "uris.txt").write_text("\n".join(f"{bucket}/in/DOE-JANE-{index}.jpg" for index in range(3)))
    assert main(["table", "forget", output, "--uris", str(tmp_path / "uris.txt"), "--yes"]) == 0
    left = [stored.uri for stored in storage.list_files(output)]
    assert not [uri for uri in left if "DOE" in uri or b"DOE-JANE" in storage.read_bytes(uri)]
    assert [row["image_id"] for row in rows(output)] == ["other", "other"]
    assert main(["score", *words]) == 0 and len(rows(output)) == 2
    assert "testing-secret" not in capsys.readouterr().out
