"""Where Delta Lake finds the folder of a table, and what it has to be told that its own library does not find.

fsspec and Delta Lake read the environment by different rules. Whatever photographs are read with, the table is too.
"""

import os
import re
from typing import Any

from melanoma.errors import UsageError
from melanoma.storage.accounts import CONNECTION_STRING, connection_settings
from melanoma.storage.deadlines import object_timeout
from melanoma.storage.filesystems import locate
from melanoma.storage.protocols import EXTRAS
from melanoma.storage.uris import split

_AUTHORITIES = "SSL_CERT_FILE"  # where Delta Lake's library finds the certificates that it trusts
_UNFIT = re.compile(r"[\[\]|^\\`]|%[0-9A-Fa-f]{2}")  # Delta Lake would read some of these as parts of a URL
# Ways to get credentials for which Delta Lake's library looks by itself, and which it refreshes.
_FOUND_BY_ITSELF = ("env", "iam-role", "container-role", "assume-role-with-web-identity")


def delta_location(uri: str) -> tuple[str, dict[str, str]]:
    """Returns a folder's URI for Delta Lake, and the storage options that it needs beyond the environment.

    Raises:
        UsageError: Delta Lake cannot write to this kind of store, or under this name.
    """
    place = locate(uri)
    protocol = split(place.uri)[0]
    if wrong := _UNFIT.search(place.path):
        raise UsageError(
            f"{uri}: the score table cannot lie under a path with {wrong.group()!r}; choose another --output"
        )
    if place.is_local:
        return place.path, {}
    if protocol not in EXTRAS:
        raise UsageError(f"{protocol}:// cannot hold the score table; use a local folder, s3://, gs:// or az://")
    limit = f"{object_timeout():g} seconds"
    waiting = {"timeout": limit, "connect_timeout": "5 seconds", "retry_timeout": limit}
    found = {"s3": _s3_options, "az": _azure_options}.get(protocol, dict)()
    return place.uri, waiting | found


def _s3_options() -> dict[str, str]:
    """Returns what botocore finds in the environment, a profile or a configuration file, and Delta Lake does not."""
    import botocore.configprovider
    import botocore.session

    session = botocore.session.Session()
    options = _s3_credentials(session)
    endpoint = botocore.configprovider.ConfiguredEndpointProvider(
        full_config=session.full_config, scoped_config=session.get_scoped_config(), client_name="s3"
    ).provide()
    if endpoint:
        options["AWS_ENDPOINT_URL"] = endpoint
    if (endpoint or "").startswith("http://"):
        options["AWS_ALLOW_HTTP"] = "true"
    if authorities := session.get_config_variable("ca_bundle"):
        os.environ.setdefault(_AUTHORITIES, authorities)  # there is no option for it
    if region := session.get_config_variable("region"):
        options["AWS_REGION"] = region
    return options


def _s3_credentials(session: Any) -> dict[str, str]:
    credentials = session.get_credentials()
    if credentials is None or credentials.method in _FOUND_BY_ITSELF:
        return {}
    now = credentials.get_frozen_credentials()
    found = {"AWS_ACCESS_KEY_ID": now.access_key, "AWS_SECRET_ACCESS_KEY": now.secret_key}
    return found | ({"AWS_SESSION_TOKEN": now.token} if now.token else {})


def _azure_options() -> dict[str, str]:
    """Returns what an Azure connection string says, which Delta Lake's library does not read.

    Raises:
        UsageError: The connection string lacks the account's name.
    """
    if not (text := os.environ.get(CONNECTION_STRING)):
        return {}
    settings = connection_settings(text)
    if settings.get("usedevelopmentstorage") == "true":
        return {"azure_storage_use_emulator": "true"}
    if "accountname" not in settings:
        raise UsageError(
            f"az://: {CONNECTION_STRING} has no AccountName, which the score table needs; add it to the string"
        )
    options = {"azure_storage_account_name": settings["accountname"]}
    if key := settings.get("accountkey"):
        options["azure_storage_account_key"] = key
    if signature := settings.get("sharedaccesssignature"):
        options["azure_storage_sas_key"] = signature
    if endpoint := settings.get("blobendpoint"):
        options["azure_storage_endpoint"] = endpoint.rstrip("/")
        if endpoint.startswith("http://"):
            options["azure_storage_allow_http"] = "true"
    return options
