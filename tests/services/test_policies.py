"""The rights on the page of stores: they are enough for every command, and none of them is superfluous."""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from melanoma import storage
from tests.helpers import ROOT, photograph
from tests.helpers.s3_process import s3_process
from tests.helpers.store_servers import is_required
from tests.helpers.stores import variables

PAGE = ROOT / "docs" / "use" / "stores.md"
ARCHIVE, RESULTS = "archive", "results"
pytestmark = [
    pytest.mark.service,
    pytest.mark.xdist_group("s3-moto"),
    pytest.mark.skipif(not is_required(), reason="make test-stores runs this: it takes a minute"),
]


def policy() -> dict[str, Any]:
    """Returns the policy for S3 as the page has it."""
    (text,) = re.findall(r"```json\n(\{\n  \"Version\".*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    for statement in found["Statement"]:
        if "s3:DeleteObject" in statement["Action"]:  # moto asks for it on the bucket where several are deleted
            statement["Resource"].append(f"arn:aws:s3:::{RESULTS}")
    return found


def without(action: str, resource: str) -> dict[str, Any]:
    """Returns the policy of the page without an action on a resource."""
    found = policy()
    for statement in found["Statement"]:
        if resource in statement["Resource"]:
            statement["Action"] = [name for name in statement["Action"] if name != action] or ["s3:None"]
    return found


class Gate:
    """An S3 server that enforces the policies of its users."""

    def __init__(self, endpoint: str) -> None:
        """Creates the buckets of the page, and a photograph."""
        self.endpoint = endpoint
        self.root = self._environment("root", "root-secret")
        with variables(self.root):
            self._client("s3").create_bucket(Bucket=ARCHIVE)
            self._client("s3").create_bucket(Bucket=RESULTS)
            for seed in range(2):
                storage.write_bytes(f"s3://{ARCHIVE}/in/lesion-{seed}.jpg", photograph(seed))

    def _client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, endpoint_url=self.endpoint)

    def _environment(self, key: str, secret: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @contextlib.contextmanager
    def as_user(self, name: str, rights: dict[str, Any]) -> Iterator[None]:
        """Lets the block be a new user with a policy, which the server enforces."""
        with variables(self.root):
            iam = self._client("iam")
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName="night", PolicyDocument=json.dumps(rights))
            key = iam.create_access_key(UserName=name)["AccessKey"]
        self._enforce(True)
        try:
            with variables(self._environment(key["AccessKeyId"], key["SecretAccessKey"])):
                yield
        finally:
            self._enforce(False)

    def _enforce(self, is_enforced: bool) -> None:
        count = b"0" if is_enforced else b"1000000000"
        connection = HTTPConnection(self.endpoint.removeprefix("http://"))
        connection.request("POST", "/moto-api/reset-auth", body=count)
        connection.getresponse().read()
        connection.close()


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """The server."""
    with s3_process() as endpoint:
        yield Gate(endpoint)


def life(output: str, bundle: str, folder: Path) -> Sequence[int]:
    """Returns the exit codes of the commands that a table sees in its life."""
    words = ["--images", f"s3://{ARCHIVE}/in", "--bundle", bundle, "--output", output]
    (folder / "uris.txt").write_text(f"s3://{ARCHIVE}/in/lesion-0.jpg")
    return [
        main(["doctor", *words]),
        main(["score", *words, "--quiet"]),
        main(["score", *words, "--quiet", "--rescore"]),
        main(["query", output, "SELECT count(*) FROM latest"]),
        main(["table", "compact", output]),
        main(["table", "forget", output, "--uris", str(folder / "uris.txt"), "--yes"]),
        main(["table", "vacuum", output, "--yes"]),
    ]


def test_the_rights_of_the_page_are_enough(gate: Gate, bundle_uri: str, tmp_path: Path) -> None:
    with gate.as_user("enough", policy()):
        assert life(f"s3://{RESULTS}/enough", bundle_uri, tmp_path) == [0] * 7
        with pytest.raises(Exception, match="refuses access"):
            storage.write_bytes(f"s3://{ARCHIVE}/in/lesion-0.jpg", b"")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", f"arn:aws:s3:::{ARCHIVE}"),
        ("s3:GetObject", f"arn:aws:s3:::{ARCHIVE}/*"),
        ("s3:ListBucket", f"arn:aws:s3:::{RESULTS}"),
        ("s3:GetObject", f"arn:aws:s3:::{RESULTS}/*"),
        ("s3:PutObject", f"arn:aws:s3:::{RESULTS}/*"),
        ("s3:DeleteObject", f"arn:aws:s3:::{RESULTS}/*"),
    ],
)
def test_each_right_is_needed(
    gate: Gate, bundle_uri: str, action: str, resource: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = re.sub(r"\W+", "-", f"{action}{resource}")
    with gate.as_user(name, without(action, resource)):
        words = ["--images", f"s3://{ARCHIVE}/in", "--bundle", bundle_uri, "--output", f"s3://{RESULTS}/{name}"]
        assert main(["doctor", *words]) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err and "OSError" not in printed.out + printed.err
