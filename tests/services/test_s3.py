"""End to end against a real S3 server on this machine, with credentials from the usual environment only."""

from pathlib import Path

import pytest

from jobs.cli import main
from melanoma import scores, storage
from tests.helpers import photograph
from tests.melanoma.test_storage import NAMES
from tests.pipelines.nights import rows


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
    assert scores.table_version(f"{bucket}/scores") == 1
    storage.write_bytes(f"{bucket}/photos/plain.jpg", photograph(99))
    assert main(words) == 0
    assert len([row for row in rows(f"{bucket}/scores") if row["image_id"] == "plain"]) == 2


@pytest.mark.service
def test_a_bundle_lies_in_s3_as_well(bucket: str, bundle_uri: str, tmp_path: Path) -> None:
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
    said = capsys.readouterr().err
    assert "check --images" in said and "testing-secret" not in said
