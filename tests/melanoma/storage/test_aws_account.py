"""What an environment or a profile for S3 lacks is named, with exit code 2, by photographs and table alike."""

from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.storage.aws_account import delta_options
from melanoma.storage.filesystems import call_store, locate
from tests.helpers.stores import variables

KEYS = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "SECRET"}
ALONE = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without profiles."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_without_a_scheme_is_refused(name: str) -> None:
    with variables({**KEYS, name: "s3.hospital.example:9000"}):
        for use in (lambda: storage.canonical("s3://bucket/in"), lambda: storage.delta_location("s3://bucket/out")):
            with pytest.raises(UsageError, match=f"{name} has neither http:// nor https://"):
                use()


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (ALONE, "no AWS credentials found; set them in the environment: AWS_ACCESS_KEY_ID"),
        ({**ALONE, "AWS_ACCESS_KEY_ID": "KEY"}, "the AWS credentials are incomplete; set them in the environment"),
        ({**ALONE, "AWS_PROFILE": "nobody"}, "the profile of the environment does not exist; check AWS_PROFILE"),
        ({**ALONE, "AWS_PROFILE": "login"}, "the login of the AWS profile has expired; log in again"),
    ],
    ids=["nothing", "half", "profile", "login"],
)
def test_what_is_missing_is_named_by_photographs_and_table(found: dict[str, str], reason: str, home: Path) -> None:
    (home / ".aws" / "config").write_text(
        "[profile login]\nsso_start_url = https://x.example\nsso_region = eu-west-1\nsso_account_id = 1\n"
        "sso_role_name = Night\n"
    )
    with variables({**found, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}):
        with pytest.raises(UsageError) as caught:
            storage.delta_location("s3://bucket/out")
        assert str(caught.value).startswith(f"s3://: {reason}")
        with pytest.raises(ReadError) as refused:
            storage.stat("s3://bucket/in/lesion.jpg")
        assert refused.value.kind is ErrorKind.FORBIDDEN and refused.value.detail == reason.partition(";")[0]


def test_a_bucket_in_the_host_name_holds_for_the_table_too(home: Path) -> None:
    (home / ".aws" / "config").write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    with variables({**KEYS, "AWS_ENDPOINT_URL_S3": "http://store.example:9000"}):
        assert (
            delta_options("results").items()
            >= {
                "AWS_ENDPOINT_URL": "http://results.store.example:9000",
                "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
            }.items()
        )


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_name_of_the_region_holds_for_photographs_and_table(name: str, home: Path) -> None:
    (home / ".aws" / "config").write_text("[default]\nregion = us-west-2\n")
    with variables({**KEYS, name: "eu-central-1"}):
        fs = locate("s3://bucket/in").fs
        call_store(fs.connect)
        assert fs._s3.meta.region_name == delta_options("bucket")["AWS_REGION"] == "eu-central-1"
