"""What the environment says about Google Cloud Storage reaches both libraries, and what it lacks is named."""

import asyncio
import json
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.storage.filesystems import locate
from tests.helpers.google_accounts import new_account, write_credentials
from tests.helpers.stores import variables

CREDENTIALS, EMULATOR = "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "which cannot be read (No such file or directory)"), ("{}", "not JSON with a type"), ("key", "not JSON")],
    ids=["missing", "without a type", "no JSON"],
)
def test_a_file_that_holds_no_credentials_is_named(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with variables({CREDENTIALS: str(path)}), pytest.raises(UsageError, match=f"{CREDENTIALS} names {path}") as caught:
        storage.canonical("gs://photos/in")
    assert reason in str(caught.value)


def test_credentials_that_only_photographs_can_use_are_refused_for_a_table(tmp_path: Path) -> None:
    path = tmp_path / "federated.json"
    path.write_text('{"type": "external_account"}')
    refused = pytest.raises(UsageError, match="'external_account', with which photographs can be read, but no score")
    with variables({CREDENTIALS: str(path), EMULATOR: "127.0.0.1:1"}), refused:
        storage.delta_location("gs://photos/out")


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1/"])
def test_delta_lake_is_told_of_another_server(host: str, tmp_path: Path) -> None:
    with variables({EMULATOR: host}):
        options = storage.delta_location("gs://photos/out")[1]
    told = json.loads(options["google_service_account_key"])
    assert told["gcs_base_url"] == "http://127.0.0.1:1" and told["disable_oauth"] and options["allow_http"] == "true"
    key = write_credentials(tmp_path / "key.json", new_account(), "http://127.0.0.1:1/token")
    with variables({EMULATOR: host, CREDENTIALS: str(key)}):
        options = storage.delta_location("gs://photos/out")[1]
    assert options["google_base_url"] == "http://127.0.0.1:1" and "google_service_account_key" not in options


def test_another_server_is_never_asked_for_the_kind_of_a_bucket() -> None:
    with variables({EMULATOR: "http://127.0.0.1:1"}):
        for _ in range(2):  # the file system is kept, and must not be changed again
            fs = locate("gs://photos/in").fs
        kind = asyncio.run_coroutine_threadsafe(fs._lookup_bucket_type("photos"), fs.loop).result(3)
        assert kind.name == "NON_HIERARCHICAL"
