"""A store whose certificate an authority of the hospital signed: photographs and table trust it alike."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.cli import main
from melanoma import storage
from tests.helpers import photograph
from tests.helpers.certificates import write_certificate
from tests.helpers.s3_process import s3_process, s3_variables


def test_the_authority_of_the_aws_settings_counts_for_the_table_too(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", "restored after the test")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.authority))
    with s3_process(certificate) as endpoint, s3_variables(endpoint):
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("hospital")
        storage.write_bytes("s3://hospital/in/a.jpg", photograph(1))
        words = ["--images", "s3://hospital/in", "--output", "s3://hospital/out", "--bundle", bundle_uri]
        assert main(["score", *words]) == 0
        location, options = storage.delta_location("s3://hospital/out")
        assert DeltaTable(location, storage_options=options).to_pyarrow_table().num_rows == 1
