"""What the environment says about an Azure account reaches both libraries, and what it lacks is named."""

import pickle

import pytest

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ingest.roots import Root
from melanoma.storage.azure_account import AzureAccount
from tests.helpers.stores import variables

KEY = "a2V5IG9mIHRoZSBhY2NvdW50"
STRING = "AZURE_STORAGE_CONNECTION_STRING"
NAME, NAMED = "AZURE_STORAGE_ACCOUNT_NAME", {"AZURE_STORAGE_ACCOUNT_NAME": "archive"}


def account(**found: str) -> AzureAccount:
    """Returns the account of an environment."""
    with variables(found):
        return AzureAccount.from_environment()


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "no Azure credentials found; set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with"),
        ({"AZURE_STORAGE_ACCOUNT_KEY": KEY}, "AZURE_STORAGE_ACCOUNT_KEY is set, but not AZURE_STORAGE_ACCOUNT_NAME"),
        ({"AZURE_STORAGE_SAS_TOKEN": "sig=x"}, "AZURE_STORAGE_SAS_TOKEN is set, but not AZURE_STORAGE_ACCOUNT_NAME"),
        ({**NAMED, "AZURE_STORAGE_ACCOUNT_KEY": "no key!"}, "AZURE_STORAGE_ACCOUNT_KEY is not a key, which is base64"),
        ({STRING: f"AccountName=a;AccountKey={KEY}#"}, "AccountKey is not a key"),
        ({STRING: f"AccountKey={KEY}"}, "has no AccountName; copy the whole string"),
        ({STRING: "AccountName=archive"}, "has no AccountKey or SharedAccessSignature"),
        ({STRING: "nonsense"}, "has no AccountName and no AccountKey or SharedAccessSignature"),
        ({**NAMED, STRING: f"AccountName=other;AccountKey={KEY}"}, "names the account other, AZURE_STORAGE_ACC"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_missing_is_named_without_a_secret(found: dict[str, str], reason: str) -> None:
    with variables(found), pytest.raises(UsageError, match=r"^az://: ") as caught:
        storage.canonical("az://photos/in")
    assert reason in str(caught.value) and KEY not in str(caught.value) and "no key!" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "options"),
    [
        ({**NAMED, "AZURE_STORAGE_ACCOUNT_KEY": KEY}, {"azure_storage_account_key": KEY}),
        ({"AZURE_STORAGE_ACCOUNT": "archive", "AZURE_STORAGE_KEY": KEY}, {"azure_storage_account_key": KEY}),
        ({**NAMED, "AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=x"}, {"azure_storage_sas_key": "sv=1&sig=x"}),
        ({**NAMED, "AZURE_STORAGE_ANON": "true"}, {"azure_skip_signature": "true"}),
        (
            {STRING: f"AccountName=archive;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"},
            {"azure_storage_account_key": KEY, "azure_storage_endpoint": "https://archive.blob.core.chinacloudapi.cn"},
        ),
        (
            {STRING: "BlobEndpoint=https://archive.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x"},
            {"azure_storage_sas_key": "sv=1&sig=x", "azure_storage_endpoint": "https://archive.blob.core.windows.net"},
        ),
        (
            {STRING: f"'AccountName=archive;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:1/archive;'"},
            {
                "azure_storage_account_key": KEY,
                "azure_storage_endpoint": "http://127.0.0.1:1/archive",
                "azure_allow_http": "true",
            },
        ),
    ],
    ids=["key", "az", "signature", "anonymous", "another cloud", "portal", "another server"],
)
def test_delta_lake_is_told_the_account(found: dict[str, str], options: dict[str, str]) -> None:
    assert account(**found).delta_options() == {"azure_storage_account_name": "archive", **options}


def test_the_emulator_has_its_well_known_account() -> None:
    found = account(**{STRING: "UseDevelopmentStorage=true"}).delta_options()
    assert found["azure_storage_endpoint"] == "http://127.0.0.1:10000/devstoreaccount1"
    assert found["azure_storage_account_name"] == "devstoreaccount1" and found["azure_allow_http"] == "true"


def test_no_secret_is_shown_or_goes_into_a_pipeline() -> None:
    with variables({**NAMED, "AZURE_STORAGE_ACCOUNT_KEY": KEY}):
        assert KEY not in repr(AzureAccount.from_environment())
        storage.canonical("az://photos/in")
        assert KEY.encode() not in pickle.dumps(Root("az://photos/in"))
