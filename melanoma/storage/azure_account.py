"""Azure Blob Storage: the account that the environment names, as fsspec and as Delta Lake want to be told.

`AZURE_STORAGE_CONNECTION_STRING` alone is enough; or `AZURE_STORAGE_ACCOUNT_NAME` with a key or a shared access
signature; or the name alone, where Azure's own library finds an identity: that of a machine, a pod, or `az login`.
The spellings of Azure's command line count, too.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from melanoma.errors import UsageError

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_NAMES = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
_KEYS = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCESS_KEY")
_SIGNATURES = ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY")
_ENDPOINTS = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_SUFFIX = "core.windows.net"
_SCOPE = "https://storage.azure.com/.default"
_IN_URI = re.compile(r"[^/@]+@([^./]+)\.[^/]+")
_WHAT_TO_SET = f"set {CONNECTION_STRING}, or {_NAMES[0]} with {_KEYS[0]} or {_SIGNATURES[0]}"


@dataclass(frozen=True, repr=False)
class AzureAccount:
    """A storage account; its `repr` shows nothing of it.

    Attributes:
        name: Of the account.
        key: Base64; empty for another way to get in.
        signature: A shared access signature without its question mark; empty for another way.
        endpoint: Address of its blobs; empty for the usual one.
        connection_string: From which all of this was read; empty if it was not.
        is_anonymous: Whether nothing else is looked for where neither key nor signature is set.
    """

    name: str
    key: str = ""
    signature: str = ""
    endpoint: str = ""
    connection_string: str = ""
    is_anonymous: bool = False

    @classmethod
    def from_environment(cls) -> "AzureAccount":
        """Reads the account from the environment.

        Raises:
            UsageError: The environment names no account, or two, or not all that belongs to one.
        """
        name = _first(_NAMES)
        if text := os.environ.get(CONNECTION_STRING, "").strip().strip("'\""):
            account = _from_connection_string(text)
            if name and name != account.name:
                raise UsageError(
                    f"az://: {CONNECTION_STRING} names the account {account.name}, {_NAMES[0]} names {name}; set one "
                    "of them only"
                )
            return account
        if not name:
            given = next((one for one in (*_KEYS, *_SIGNATURES) if os.environ.get(one)), None)
            found = f"{given} is set, but not {_NAMES[0]}" if given else "no Azure credentials found"
            raise UsageError(f"az://: {found}; {_WHAT_TO_SET}")
        is_anonymous = os.environ.get("AZURE_STORAGE_ANON", "false").lower() not in ("false", "0", "f", "")
        return cls(
            name,
            _checked_key(_first(_KEYS), next((one for one in _KEYS if os.environ.get(one)), _KEYS[0])),
            _first(_SIGNATURES).removeprefix("?"),
            _first(_ENDPOINTS).rstrip("/"),
            is_anonymous=is_anonymous,
        )

    @property
    def is_plain(self) -> bool:
        """Whether its endpoint speaks HTTP without TLS."""
        return self.endpoint.startswith("http://")

    def fsspec_options(self) -> dict[str, Any]:
        """Returns the options for fsspec's file system."""
        if self.connection_string:
            return {"connection_string": self.connection_string}
        if self.endpoint and (self.key or self.signature):
            secret = f"AccountKey={self.key}" if self.key else f"SharedAccessSignature={self.signature}"
            return {"connection_string": f"BlobEndpoint={self.endpoint};AccountName={self.name};{secret}"}
        options = {"account_name": self.name}
        if self.endpoint:
            options["account_host"] = self.endpoint.partition("://")[2]
        if self.key:
            return options | {"account_key": self.key}
        return options | ({"sas_token": self.signature} if self.signature else {})

    def delta_options(self) -> dict[str, str]:
        """Returns the options for Delta Lake; the token of an identity holds for about an hour.

        Raises:
            UsageError: Neither a key nor a signature is set, and Azure's library finds no identity.
        """
        options = {"azure_storage_account_name": self.name}
        if self.endpoint:
            options["azure_storage_endpoint"] = self.endpoint
        if self.is_plain:
            options["azure_allow_http"] = "true"
        if self.key:
            return options | {"azure_storage_account_key": self.key}
        if self.signature:
            return options | {"azure_storage_sas_key": self.signature}
        if self.is_anonymous:
            return options | {"azure_skip_signature": "true"}
        return options | {"azure_storage_token": _token()}

    def refuse_other(self, rest: str) -> None:
        """Refuses a URI that names another account: its files would be looked for in this one.

        Args:
            rest: What follows the protocol, such as `container@account.dfs.core.windows.net/folder`.

        Raises:
            UsageError: The accounts differ.
        """
        found = _IN_URI.match(rest)
        if found is not None and found[1] != self.name:
            raise UsageError(
                f"az://: the URI names the account {found[1]}, the environment {self.name}; set {_NAMES[0]} and its "
                "key, or the connection string, of that account"
            )


def _first(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _from_connection_string(text: str) -> AzureAccount:
    settings = connection_settings(text)
    if settings.get("usedevelopmentstorage") == "true":
        from azure.storage.blob._shared.parser import DEVSTORE_ACCOUNT_KEY  # comes with adlfs

        endpoint = "http://127.0.0.1:10000/devstoreaccount1"
        return AzureAccount("devstoreaccount1", DEVSTORE_ACCOUNT_KEY, "", endpoint, text)
    endpoint = settings.get("blobendpoint", "").rstrip("/")
    name = settings.get("accountname") or _name_in(endpoint)
    key, signature = settings.get("accountkey", ""), settings.get("sharedaccesssignature", "").removeprefix("?")
    missing = [] if name else ["AccountName"]
    missing += [] if key or signature else ["AccountKey or SharedAccessSignature"]
    if missing:
        raise UsageError(f"az://: {CONNECTION_STRING} has no {' and no '.join(missing)}; copy the whole string again")
    suffix = settings.get("endpointsuffix", _SUFFIX)
    if not endpoint and suffix != _SUFFIX:
        endpoint = f"{settings.get('defaultendpointsprotocol', 'https')}://{name}.blob.{suffix}"
    return AzureAccount(name, _checked_key(key, "AccountKey"), signature, endpoint, text)


def connection_settings(text: str) -> dict[str, str]:
    """Returns the settings of a connection string, by their names in lower case."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _name_in(endpoint: str) -> str:
    """Returns the account that an endpoint names: in its host, or in its path where the host is an address."""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    return host.partition(".")[0] if ".blob." in host else url.path.strip("/").partition("/")[0]


def _checked_key(key: str, what: str) -> str:
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"az://: {what} is not a key, which is base64; copy it again") from None
    return key


def _token() -> str:
    from azure.core.exceptions import ClientAuthenticationError  # these come with adlfs
    from azure.identity import DefaultAzureCredential

    try:
        return str(DefaultAzureCredential().get_token(_SCOPE).token)
    except ClientAuthenticationError:
        raise UsageError(f"az://: no Azure credentials found; {_WHAT_TO_SET}, or log in with az login") from None
