"""Errors of credentials: what a store's library raised, and what to do about it; their texts are never quoted."""

import re
from typing import Any

_EXPIRED = ("ExpiredToken", "RequestExpired", "TokenRefreshRequired")
_RENEWABLE = (*_EXPIRED, "400")  # the answer to a HEAD request cannot say more
_OTHER_REGIONS = (
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "IllegalLocationConstraintException",
    "IllegalLocationConstraint",
    "301",
)
_UNKNOWN_KEYS = ("InvalidAccessKeyId", "XAdminUserNotFound")  # the second by versitygw, with status 404
REFUSING_CODES = (*_RENEWABLE, *_OTHER_REGIONS, *_UNKNOWN_KEYS, "InvalidToken")
NO_CREDENTIALS = "no credentials found"
_HAVE_EXPIRED, _IN_OTHER_REGION = "the credentials have expired", "the bucket lies in another region"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}")
_QUOTED_REGION = re.compile(rf"<Region>({_REGION.pattern})</Region>|expecting '({_REGION.pattern})'")
_BARE_REDIRECT = "incorrectly configured region"  # as Delta Lake's library says of an answer 301
# By library and name, so that no cloud's library has to be installed or imported.
_BY_TYPE = {
    ("botocore", "NoCredentialsError"): "no AWS credentials found",
    ("botocore", "PartialCredentialsError"): "the AWS credentials are incomplete",
    ("botocore", "ProfileNotFound"): "the profile of the environment does not exist",
    ("botocore", "SSOError"): "the login of the AWS profile has expired",
    ("botocore", "TokenRetrievalError"): "the login of the AWS profile has expired",
    ("google", "DefaultCredentialsError"): "no Google Cloud credentials found",
    ("azure", "CredentialUnavailableError"): "no Azure credentials found",
    ("azure", "ClientAuthenticationError"): "no valid Azure credentials found",
}
_GCS_ERROR = ("gcsfs", "HttpError")  # without credentials, gcsfs continues anonymously and gets a 401
_STATUS_ATTRIBUTES = ("status_code", "code", "status")
# By a word of the reason.
_WHAT_TO_DO = {
    "expired": "log in again, or set new ones in the environment",
    "profile": "check AWS_PROFILE",
    "region": "set AWS_REGION to that of the bucket",
    "AWS": "set them in the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "Google Cloud": "set GOOGLE_APPLICATION_CREDENTIALS to the path of a valid key file",
    "Azure": "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with a key or a token",
}
_REGION_SIGNS = (*_OTHER_REGIONS[:-1], _BARE_REDIRECT)
# Codes and sentences with which Delta Lake's library quotes a store that refuses access.
DELTA_REFUSALS = (
    NO_CREDENTIALS,
    r"\b40[13] (?:Unauthorized|Forbidden)|status(?: code)?:? 40[13]\b",
    r"operation lacked (?:valid authentication|the necessary privileges)",
    "AccessDenied|InvalidToken",
    *_EXPIRED,
    *_UNKNOWN_KEYS,
    *_REGION_SIGNS,
)


def credentials_reason(error: Exception) -> str | None:
    """Returns what is wrong with the credentials; None for an error that does not say so by its type or code."""
    if code_of(error) in _EXPIRED:
        return _HAVE_EXPIRED
    if code_of(error) in _OTHER_REGIONS:
        return _region_reason(_stated_region(error))
    types = {(base.__module__.partition(".")[0], base.__name__) for base in type(error).__mro__}
    if _GCS_ERROR in types and 401 in statuses(error):
        return "no valid Google Cloud credentials found"
    return next((reason for known, reason in _BY_TYPE.items() if known in types), None)


def quoted_reason(error: Exception) -> str | None:
    """Returns what is wrong with the credentials by what Delta Lake's library quotes; None if it does not say so."""
    text = str(error)
    if NO_CREDENTIALS in text:
        return NO_CREDENTIALS
    if any(code in text for code in _EXPIRED):
        return _HAVE_EXPIRED
    if not any(sign in text for sign in _REGION_SIGNS):
        return None
    quoted = _QUOTED_REGION.search(text)
    return _region_reason(quoted[1] or quoted[3] if quoted else "")


def _region_reason(region: str) -> str:
    """Returns what to say of a bucket that lies elsewhere; the region is named where the store names it."""
    return f"{_IN_OTHER_REGION}, {region}" if _REGION.fullmatch(region) else _IN_OTHER_REGION


def _stated_region(error: BaseException) -> str:
    """Returns the region that S3 states in an answer; empty where it states none."""
    response = _response_of(error)
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", ""))


def advice_for(reason: str, otherwise: str = "set valid ones in the environment") -> str:
    """Returns what to do about refused access.

    Args:
        reason: Why it was refused, as this module says it.
        otherwise: What to do about any other reason.
    """
    return next((text for word, text in _WHAT_TO_DO.items() if word in reason), otherwise)


def has_expired(error: Exception) -> bool:
    """Tells whether the store may have refused credentials only because they are too old."""
    return code_of(error) in _RENEWABLE


def code_of(error: BaseException) -> str:
    """Returns the code in the answer of S3 that an error or its cause carries; empty where there is none."""
    return str(_response_of(error).get("Error", {}).get("Code", ""))


def _response_of(error: BaseException) -> dict[str, Any]:
    """Returns the answer of S3 that an error or its cause carries; empty where there is none."""
    answers = (getattr(found, "response", None) for found in (error, error.__cause__))
    return next((answer for answer in answers if isinstance(answer, dict)), {})


def statuses(error: Exception) -> list[int]:
    """Returns the HTTP statuses that an error carries; each library names the attribute differently."""
    found = (getattr(error, attribute, None) for attribute in _STATUS_ATTRIBUTES)
    return [status for status in found if isinstance(status, int)]
