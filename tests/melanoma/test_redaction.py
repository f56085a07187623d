"""No secret of a URI stays in text for people."""

import pytest

from melanoma.redaction import redacted

SECRET = "CANARY"  # noqa: S105 - looked for below


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"s3://key:{SECRET}@bucket/out", "s3://***@bucket/out"),
        (f"https://{SECRET}@host/x: cannot be read", "https://***@host/x: cannot be read"),
        (f"az://c/x.jpg?sv=1&sig={SECRET}&versionId=3a; start again", "az://c/x.jpg?***&versionId=3a; start again"),
        (f"https://h/a?X-Amz-Signature={SECRET}, s3://b/c?token={SECRET}", "https://h/a?***, s3://b/c?***"),
        (f"zip://a.jpg::https://u:{SECRET}@h/a.zip?sig={SECRET}", "zip://a.jpg::https://***@h/a.zip?***"),
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
        "s3://bucket/key?versionId=Ab3.x_y-z",
        "file:///archive/what?.jpg",
        "/archive/what?a=b.jpg and me@example.org",
        'melanoma query s3://b/t "FROM latest"',
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redacted(text) == text
