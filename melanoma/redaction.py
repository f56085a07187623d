"""Hides the secrets of URIs in text for people: the one place that knows which parts are secret."""

import re

_HIDDEN = "***"
_LOGIN = re.compile(r"(?<=://)[^/\s'\"@]+@")
# A secret key may hold slashes, and the name of a bucket no colon; that of an S3 access point begins with `arn:`.
_STORE_LOGIN = re.compile(r"(?<![a-z0-9+.-])((?:s3a?|gs|gcs|az|abfss?)://)(?!arn:)[^/\s'\"@:]+:[^\s'\"@]*@", re.I)
# A container of Azure may be followed by `@` and its account.
_BUCKET_LOGIN = re.compile(r"(?:s3a?|gs|gcs)://[^/@]+@", re.I)
# Not of local files, whose names may contain a question mark.
_QUERY = re.compile(r"(?<![a-zA-Z0-9+.-])(?!file://)([a-zA-Z][a-zA-Z0-9+.-]*://[^\s?'\"]*\?)([^\s'\";,)]+)")
_PUBLIC = re.compile(r"(?:versionId|generation)=[\w.~-]+")


def redacted(text: str) -> str:
    """Returns a text in which no URI has a user, a password or a query, except for the version of an object.

    Args:
        text: A message that may contain URIs, such as `s3://key:secret@bucket/x` or `https://host/x?sig=…`.
    """
    return _QUERY.sub(_without_secrets, _LOGIN.sub(f"{_HIDDEN}@", _STORE_LOGIN.sub(rf"\1{_HIDDEN}@", text)))


def has_login(uri: str) -> bool:
    """Tells whether the URI of a store holds a user or a key in front of its bucket or container."""
    return _STORE_LOGIN.match(uri) is not None or _BUCKET_LOGIN.match(uri) is not None


def _without_secrets(found: re.Match[str]) -> str:
    parts = [part if _PUBLIC.fullmatch(part) else _HIDDEN for part in found[2].split("&")]
    return found[1] + "&".join(dict.fromkeys(parts))
