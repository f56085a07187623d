"""Each way in which users set up an account: photographs and table are read and written with it alike."""

import datetime
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma import storage
from melanoma.storage.filesystems import locate
from tests.helpers import ROOT, photograph
from tests.helpers.certificates import write_certificate
from tests.helpers.fault_proxy import fault_proxy
from tests.helpers.outputs import table_in
from tests.helpers.s3_process import s3_process
from tests.helpers.store_servers import (
    AZURE_ACCOUNT,
    AZURE_KEY,
    AzureServer,
    azurite,
    gcs_server,
    is_required,
)
from tests.helpers.stores import variables

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not is_required(), reason="make test-stores runs this: it installs the servers of all stores"),
]
# HTTP answers of a login service of AWS, and of the identity service of a machine in Azure.
ROLE = {"roleCredentials": {"accessKeyId": "K", "secretAccessKey": "S", "sessionToken": "T", "expiration": 4e12}}


def score(found: Mapping[str, str], bucket: str, bundle: str) -> None:
    """Scores a photograph of a bucket into a table in it, with nothing in the environment but what is given."""
    with variables(found):
        place = locate(bucket)
        place.fs.mkdir(place.path)
        storage.write_bytes(f"{bucket}/in/lesion.jpg", photograph(1))
        words = ["--images", f"{bucket}/in", "--bundle", bundle, "--output", f"{bucket}/out"]
        assert main(["score", *words]) == 0
        assert table_in(f"{bucket}/out").dataset().count_rows() == 1


def score_elsewhere(found: Mapping[str, str], bucket: str, bundle: str, **machine: str) -> None:
    """Does the same in a process of its own, for what libraries look up when they are imported.

    Args:
        found: What concerns the store.
        bucket: URI of a new bucket.
        bundle: Folder of the bundle.
        **machine: Further variables, which `score` would leave as they are.
    """
    code = f"from {__name__} import score; score({dict(found)!r}, {bucket!r}, {bundle!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **machine}, check=True)


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureServer]:
    """Azurite with HTTP."""
    with azurite() as server:
        yield server


def signature() -> str:
    """Returns a shared access signature of the account, valid for an hour."""
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    rights = AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True)
    kinds = ResourceTypes(service=True, container=True, object=True)
    return str(generate_account_sas(AZURE_ACCOUNT, AZURE_KEY, kinds, rights, until))


@pytest.mark.xdist_group("azure")
@pytest.mark.parametrize("way", ["key", "signature", "string with a signature", "names of the az command"])
def test_every_way_into_azure_holds_for_the_table_too(azure: AzureServer, bundle_uri: str, way: str) -> None:
    named = {"AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT, "AZURE_STORAGE_ENDPOINT": azure.endpoint}
    found = {
        "key": {**named, "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY},
        "signature": {**named, "AZURE_STORAGE_SAS_TOKEN": f"?{signature()}"},
        # As the portal shows it, without the account's name.
        "string with a signature": {
            "AZURE_STORAGE_CONNECTION_STRING": f"BlobEndpoint={azure.endpoint}/;SharedAccessSignature={signature()}"
        },
        "names of the az command": {
            "AZURE_STORAGE_ACCOUNT": AZURE_ACCOUNT,
            "AZURE_STORAGE_KEY": AZURE_KEY,
            "AZURE_STORAGE_ENDPOINT": azure.endpoint,
        },
    }[way]
    score(found, f"az://{hashlib.sha256(way.encode()).hexdigest()[:12]}", bundle_uri)


class _Json(BaseHTTPRequestHandler):
    """Answers every GET with one JSON document."""

    document: dict[str, object]

    def do_GET(self) -> None:
        """Answers."""
        body = json.dumps(self.document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Writes no log."""


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every request with the JSON of the test's parameter."""
    handler = type("Handler", (_Json,), {"document": request.param})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def identity() -> dict[str, object]:
    """Returns what a machine's service answers: a token, of which Azurite checks times and audience, no signature."""
    import jwt

    now = datetime.datetime.now(datetime.UTC)
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "nbf": now - datetime.timedelta(hours=1),
        "iat": now - datetime.timedelta(hours=1),
        "exp": now + datetime.timedelta(hours=2),
    }
    token = jwt.encode(claims, "k" * 32)
    return {"access_token": token, "expires_on": "4102444800", "token_type": "Bearer", "resource": claims["aud"]}


@pytest.mark.xdist_group("azure")
@pytest.mark.parametrize("answering", [identity()], indirect=True)
def test_the_identity_of_a_machine_in_azure_holds_for_the_table_too(
    answering: str, bundle_uri: str, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path)
    machine = {"IDENTITY_ENDPOINT": f"{answering}/token", "IDENTITY_HEADER": "header"}
    with azurite(certificate) as server:
        found = {"AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT, "AZURE_STORAGE_ENDPOINT": server.endpoint}
        score_elsewhere(found, "az://identity", bundle_uri, SSL_CERT_FILE=str(certificate.authority), **machine)


@pytest.mark.xdist_group("gcs")
@pytest.mark.parametrize("host_only", [False, True])
def test_an_emulator_without_credentials_needs_nothing_else(bundle_uri: str, host_only: bool) -> None:
    with gcs_server() as address:
        host = address.removeprefix("http://") if host_only else address
        score({"STORAGE_EMULATOR_HOST": host}, "gs://emulated", bundle_uri)


@pytest.mark.xdist_group("gcs")
def test_a_proxy_of_the_environment_holds_for_photographs_and_table(bundle_uri: str) -> None:
    with gcs_server() as address, fault_proxy(address) as proxy:
        found = {"STORAGE_EMULATOR_HOST": "http://store.hospital.example"}  # which only the proxy reaches
        score_elsewhere(found, "gs://proxied", bundle_uri, http_proxy=proxy.address)


@pytest.mark.xdist_group("s3-moto")
@pytest.mark.parametrize("answering", [ROLE], indirect=True)
def test_a_login_of_aws_holds_for_the_table_too(answering: str, bundle_uri: str, tmp_path: Path) -> None:
    """The session of `aws sso login` lies in the home folder; a service answers with the keys of a role."""
    cache, start = tmp_path / ".aws" / "sso" / "cache", "https://hospital.awsapps.com/start"
    cache.mkdir(parents=True)
    login = {"startUrl": start, "region": "us-east-1", "accessToken": "t", "expiresAt": "2099-01-01T00:00:00Z"}
    (cache / f"{hashlib.sha1(start.encode()).hexdigest()}.json").write_text(json.dumps(login))  # noqa: S324
    (tmp_path / ".aws" / "config").write_text(
        f"[profile night]\nsso_start_url = {start}\nsso_region = us-east-1\nsso_account_id = 123456789012\n"
        "sso_role_name = Night\nregion = us-east-1\n"
    )
    with s3_process() as endpoint:
        found = {"AWS_PROFILE": "night", "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ENDPOINT_URL_SSO": answering}
        score_elsewhere(found, "s3://logged-in", bundle_uri, HOME=str(tmp_path))
