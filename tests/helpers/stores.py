"""The stores in which a conformance test runs: where it may write, and the environment that leads there."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import fsspec
import pytest

from melanoma.storage.filesystems import locate
from tests.helpers.fault_proxy import fault_proxy
from tests.helpers.gcs_proxy import TOKEN_PATH
from tests.helpers.google_accounts import new_account, write_credentials
from tests.helpers.s3_process import s3_process
from tests.helpers.store_servers import S3_KEY, S3_SECRET, azurite, gcs_server, versitygw

_OF_STORES = re.compile(r"(AWS|AZURE|GOOGLE|STORAGE|GCE|GCLOUD)_")
_BUCKET = "hospital"


@dataclass(frozen=True)
class Store:
    """A store, as its user knows it.

    Attributes:
        root: URI of an empty folder or bucket.
        environment: All that its user sets.
        refused: What is set instead for credentials that the store refuses; empty where there are no credentials.
        secrets: What must never be printed or written.
    """

    root: str
    environment: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


@contextlib.contextmanager
def variables(found: Mapping[str, str]) -> Iterator[None]:
    """Sets what a user sets for a store, and nothing else that concerns stores."""
    with pytest.MonkeyPatch.context() as environment:
        for name in filter(_OF_STORES.match, list(os.environ)):
            environment.delenv(name)
        for name, value in found.items():
            environment.setenv(name, value)
        forget_file_systems()
        try:
            yield
        finally:
            forget_file_systems()


def forget_file_systems() -> None:
    """Lets fsspec open the file systems of object stores anew: those that it keeps lead to another server."""
    for protocol in ("s3", "gs", "az"):
        fsspec.get_filesystem_class(protocol).clear_instance_cache()


def _made(store: Store) -> Store:
    """Creates the store's bucket, as its user has done before."""
    # With a region, s3fs would ask for a bucket elsewhere.
    with variables({name: value for name, value in store.environment.items() if name != "AWS_REGION"}):
        place = locate(store.root)
        place.fs.mkdir(place.path)
    return store


@contextlib.contextmanager
def local_disk(folder: Path) -> Iterator[Store]:
    """A folder of this machine's disk."""
    yield _made(Store(str(folder / _BUCKET)))


def _aws(endpoint: str, key: str, secret: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
    }


@contextlib.contextmanager
def s3_of_moto(folder: Path) -> Iterator[Store]:
    """S3 as moto serves it. It accepts all credentials, so a proxy says that they have expired."""
    with s3_process() as endpoint, fault_proxy(endpoint) as proxy:
        proxy.fault, proxy.status, proxy.code = "error", 400, "ExpiredToken"
        known = _aws(endpoint, "moto-key", "moto-secret-key")
        refused = {**known, "AWS_ENDPOINT_URL": proxy.address}
        yield _made(Store(f"s3://{_BUCKET}", known, refused, ("moto-key", "moto-secret-key")))


@contextlib.contextmanager
def s3_of_versitygw(folder: Path) -> Iterator[Store]:
    """S3 as a gateway before a disk serves it; it checks every signature."""
    with versitygw(folder) as endpoint:
        known, refused = _aws(endpoint, S3_KEY, S3_SECRET), _aws(endpoint, S3_KEY, "mistyped-secret")
        yield _made(Store(f"s3://{_BUCKET}", known, refused, (S3_SECRET, "mistyped-secret")))


@contextlib.contextmanager
def gcs(folder: Path) -> Iterator[Store]:
    """Google Cloud Storage with the key file of a service account; the key of another account is refused."""
    account, other = new_account(), new_account()
    with gcs_server(account) as address:
        known, refused = (
            {
                "STORAGE_EMULATOR_HOST": address,
                "GOOGLE_APPLICATION_CREDENTIALS": str(
                    write_credentials(folder / f"{name}.json", owner, f"{address}{TOKEN_PATH}")
                ),
            }
            for name, owner in (("known", account), ("removed", other))
        )
        secrets = tuple(line for owner in (account, other) for line in owner.key.splitlines()[1:3])
        yield _made(Store(f"gs://{_BUCKET}", known, refused, secrets))


@contextlib.contextmanager
def azure(folder: Path) -> Iterator[Store]:
    """Azure Blob Storage with a connection string; a signature that has expired is refused."""
    with azurite() as server:
        signature = "sv=2024-11-04&ss=b&srt=sco&sp=rwdlac&se=2020-01-01T00:00:00Z&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"
        expired = f"BlobEndpoint={server.endpoint};AccountName=hospital;SharedAccessSignature={signature};"
        known = {"AZURE_STORAGE_CONNECTION_STRING": server.connection_string}
        key = server.connection_string.partition("AccountKey=")[2].partition(";")[0]
        refused = {"AZURE_STORAGE_CONNECTION_STRING": expired}
        yield _made(Store(f"az://{_BUCKET}", known, refused, (key, "c2VjcmV0LXNpZ25hdHVyZQ")))


STORES = {
    "local": local_disk,
    "s3-moto": s3_of_moto,
    "s3-versitygw": s3_of_versitygw,
    "gcs": gcs,
    "azure": azure,
}
