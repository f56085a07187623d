"""What the photographs are read with, the table is read with too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from adlfs import AzureBlobFileSystem

from melanoma import storage
from melanoma.errors import UsageError


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_endpoint: str) -> str:
    """A profile with credentials, a region and an endpoint of its own; the environment has nothing but its name."""
    (tmp_path / "config").write_text(f"[profile archive]\nregion = eu-west-3\nendpoint_url = {s3_endpoint}\n")
    (tmp_path / "credentials").write_text("[archive]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n")
    for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION", "REGION"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "archive")
    return s3_endpoint


def test_a_profile_holds_for_the_table_too(profile: str) -> None:
    location, options = storage.delta_location("s3a://bucket/out")
    assert location == "s3://bucket/out"
    assert (
        options.items()
        >= {
            "AWS_ENDPOINT_URL": profile,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-west-3",
            "AWS_ACCESS_KEY_ID": "KEY",
            "AWS_SECRET_ACCESS_KEY": "SECRET",
        }.items()
    )


def test_the_endpoint_of_s3_alone_comes_first(monkeypatch: pytest.MonkeyPatch, s3_endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://store.example")
    options = storage.delta_location("s3://bucket/out")[1]
    assert options["AWS_ENDPOINT_URL"] == "https://store.example" and "AWS_ALLOW_HTTP" not in options
    assert "AWS_SECRET_ACCESS_KEY" not in options  # Delta Lake finds those in the environment by itself


@pytest.fixture
def fresh_azure() -> Iterator[None]:
    """File systems that fsspec opened for another account are not used again."""
    AzureBlobFileSystem.clear_instance_cache()
    yield
    AzureBlobFileSystem.clear_instance_cache()


@pytest.mark.usefixtures("fresh_azure")
def test_a_connection_string_of_azure_holds_for_the_table_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "DefaultEndpointsProtocol=http;AccountName=archive;AccountKey=a2V5PQ==;BlobEndpoint=http://127.0.0.1:1/a/"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    location, options = storage.delta_location("abfss://photos/out")
    assert location == "az://photos/out"
    assert (
        options.items()
        >= {
            "azure_storage_account_name": "archive",
            "azure_storage_account_key": "a2V5PQ==",
            "azure_storage_endpoint": "http://127.0.0.1:1/a",
            "azure_allow_http": "true",
        }.items()
    )
    with pytest.raises(UsageError, match="the URI names the account other, the environment archive"):
        storage.canonical("abfss://photos@other.dfs.core.windows.net/out")
    assert storage.canonical("abfss://photos@archive.dfs.core.windows.net/out") == "az://photos/out"
