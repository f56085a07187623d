"""S3: what the environment, a profile or a configuration file says about it, as fsspec and Delta Lake want to be told.

fsspec's library is Amazon's own, and finds all of it by itself but `AWS_REGION`, which Amazon's other libraries read.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from melanoma.errors import ReadError, UsageError
from melanoma.storage.errors import detail_of, kind_of, with_advice

_REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_AUTHORITIES = "SSL_CERT_FILE"  # where Delta Lake's library finds the certificates that it trusts
# Ways to get credentials for which Delta Lake's library looks by itself, and which it refreshes.
_FOUND_BY_ITSELF = ("env", "iam-role", "container-role", "assume-role-with-web-identity")


def fsspec_options() -> dict[str, Any]:
    """Returns the options for fsspec's file system.

    Raises:
        UsageError: An endpoint of the environment lacks its scheme.
    """
    _check_endpoint()
    region = "" if os.environ.get(_REGIONS[0]) else os.environ.get(_REGIONS[1])
    return {"client_kwargs": {"region_name": region}} if region else {}


def _check_endpoint() -> None:
    for name in _ENDPOINTS:
        if (value := os.environ.get(name)) and not value.startswith(("http://", "https://")):
            raise UsageError(f"s3://: {name} has neither http:// nor https:// at its front; add it")


def delta_options(bucket: str) -> dict[str, str]:
    """Returns what botocore finds, and Delta Lake does not.

    Args:
        bucket: In which the table lies.

    Raises:
        UsageError: There are no credentials, they are incomplete, or their login has expired; the profile does not
            exist; or the endpoint is not an address.
    """
    _check_endpoint()
    import botocore.configprovider
    import botocore.exceptions
    import botocore.session

    session = botocore.session.Session()
    try:
        settings = session.get_scoped_config()
        options = _credentials(session)
    except botocore.exceptions.BotoCoreError as error:
        raise UsageError(f"s3://: {with_advice(ReadError(kind_of(error), detail_of(error)))}") from None
    endpoint = botocore.configprovider.ConfiguredEndpointProvider(
        full_config=session.full_config, scoped_config=settings, client_name="s3"
    ).provide()
    if endpoint:
        options |= _endpoint_options(endpoint, bucket, settings)
    if authorities := session.get_config_variable("ca_bundle"):
        os.environ.setdefault(_AUTHORITIES, authorities)  # there is no option for it
    in_environment = next((os.environ[name] for name in _REGIONS if os.environ.get(name)), None)
    if region := in_environment or session.get_config_variable("region"):
        options["AWS_REGION"] = region
    return options


def _endpoint_options(endpoint: str, bucket: str, settings: Mapping[str, Any]) -> dict[str, str]:
    url = urlsplit(endpoint)
    options = {"AWS_ALLOW_HTTP": "true"} if url.scheme == "http" else {}
    style = settings.get("s3")
    if isinstance(style, Mapping) and style.get("addressing_style") == "virtual":
        # Delta Lake's library takes the endpoint as that of the bucket.
        host = url._replace(netloc=f"{bucket}.{url.netloc}").geturl()
        return options | {"AWS_ENDPOINT_URL": host, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"}
    return options | {"AWS_ENDPOINT_URL": endpoint}


def _credentials(session: Any) -> dict[str, str]:
    import botocore.exceptions

    credentials = session.get_credentials()
    if credentials is None:
        raise botocore.exceptions.NoCredentialsError
    if credentials.method in _FOUND_BY_ITSELF:
        return {}
    now = credentials.get_frozen_credentials()
    found = {"AWS_ACCESS_KEY_ID": now.access_key, "AWS_SECRET_ACCESS_KEY": now.secret_key}
    return found | ({"AWS_SESSION_TOKEN": now.token} if now.token else {})
