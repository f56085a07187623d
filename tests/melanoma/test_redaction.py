"""No secret of a URI stays in text for people."""

import pytest

from melanoma.redaction import has_login, redacted

SECRET = "CANARY"  # noqa: S105 - looked for below


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"s3://key:{SECRET}@bucket/out", "s3://***@bucket/out"),
        (f"https://{SECRET}@host/x: cannot be read", "https://***@host/x: cannot be read"),
        (f"az://c/x.jpg?sv=1&sig={SECRET}&versionId=3a; start again", "az://c/x.jpg?***&versionId=3a; start again"),
        (f"https://h/a?X-Amz-Signature={SECRET}, s3://b/c?token={SECRET}", "https://h/a?***, s3://b/c?***"),
        (f"zip://a.jpg::https://u:{SECRET}@h/a.zip?sig={SECRET}", "zip://a.jpg::https://***@h/a.zip?***"),
        (f"s3://key:SEC/{SECRET}+/x=@bucket/a b: no", "s3://***@bucket/a b: no"),
        (f"zip://a.jpg::GS://key:/{SECRET}@b/x", "zip://a.jpg::GS://***@b/x"),
        (f"'https://h/a?sig={SECRET}' is not", "'https://h/a?***' is not"),
        (f'{{"found": "s3://u:{SECRET}@b/x?k={SECRET}"}}', '{"found": "s3://***@b/x?***"}'),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert redacted(text) == shown and SECRET not in redacted(text)
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://bucket/out, version 3; is that right? yes",
        "s3://bucket/a@b/c.jpg",
        "s3://bucket/a:b@c.jpg",
        "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/name/a@b.jpg",
        "az://container: write to me@example.org",
        "s3://bucket/key?versionId=Ab3.x_y-z",
        "file:///archive/what?.jpg",
        "/archive/what?a=b.jpg and me@example.org",
        'melanoma query s3://b/t "FROM latest"',
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("uri", "is_found"),
    [
        ("s3://key:secret@bucket/x", True),
        ("S3A://key:sec/ret@bucket/x", True),
        ("gs://token@bucket", True),
        ("az://account:key@container/x", True),
        ("s3://bucket/a@b/c.jpg", False),
        ("s3://bucket/s3://key:secret@bucket", False),
        ("s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/name/a@b.jpg", False),
        ("abfss://container@account.dfs.core.windows.net/x", False),
        ("/archive/s3://key:secret@bucket", False),
    ],
)
def test_a_login_is_seen_in_front_of_a_bucket_only(uri: str, is_found: bool) -> None:
    assert has_login(uri) is is_found
