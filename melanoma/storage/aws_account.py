"""S3: what the environment, a profile or a configuration file says about it, as Delta Lake wants to be told.

fsspec's library is Amazon's own, and finds all of it by itself.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from melanoma.errors import UsageError

_AUTHORITIES = "SSL_CERT_FILE"  # where Delta Lake's library finds the certificates that it trusts
# Ways to get credentials for which Delta Lake's library looks by itself, and which it refreshes.
_FOUND_BY_ITSELF = ("env", "iam-role", "container-role", "assume-role-with-web-identity")


def delta_options(bucket: str) -> dict[str, str]:
    """Returns what botocore finds, and Delta Lake does not.

    Args:
        bucket: In which the table lies.

    Raises:
        UsageError: The profile does not exist, or its credentials cannot be had, such as after a login has expired.
    """
    import botocore.configprovider
    import botocore.exceptions
    import botocore.session

    session = botocore.session.Session()
    try:
        settings = session.get_scoped_config()
        options = _credentials(session)
    except botocore.exceptions.ProfileNotFound as error:
        profile = error.kwargs.get("profile")
        raise UsageError(f"s3://: the AWS profile {profile!r} does not exist; check AWS_PROFILE") from None
    except botocore.exceptions.BotoCoreError as error:
        raise UsageError(
            f"s3://: the credentials of the AWS profile cannot be had ({type(error).__name__}); log in again, such as "
            "with aws sso login"
        ) from None
    endpoint = botocore.configprovider.ConfiguredEndpointProvider(
        full_config=session.full_config, scoped_config=settings, client_name="s3"
    ).provide()
    if endpoint:
        options |= _endpoint_options(endpoint, bucket, settings)
    if authorities := session.get_config_variable("ca_bundle"):
        os.environ.setdefault(_AUTHORITIES, authorities)  # there is no option for it
    if region := session.get_config_variable("region"):
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
    credentials = session.get_credentials()
    if credentials is None or credentials.method in _FOUND_BY_ITSELF:
        return {}
    now = credentials.get_frozen_credentials()
    found = {"AWS_ACCESS_KEY_ID": now.access_key, "AWS_SECRET_ACCESS_KEY": now.secret_key}
    return found | ({"AWS_SESSION_TOKEN": now.token} if now.token else {})
