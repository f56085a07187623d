"""Temporary files that Beam makes for the workers of a job and never removes."""

import contextlib
import tempfile
from collections.abc import Iterator
from typing import Any

from apache_beam.transforms import environments

from melanoma.storage.temporary import temporary_root


@contextlib.contextmanager
def removed_after_submission() -> Iterator[None]:
    """Removes what Beam makes for the workers of a job, when the block that submits it has ended.

    Raises:
        UsageError: No temporary folder can be used.
    """
    make = environments.python_sdk_dependencies
    root = temporary_root()
    with tempfile.TemporaryDirectory(prefix="melanoma-job-", dir=root, ignore_cleanup_errors=True) as folder:

        def dependencies(*words: Any, **options: Any) -> Any:
            with _temporary_files_in(folder):
                return make(*words, **options)

        environments.python_sdk_dependencies = dependencies
        try:
            yield
        finally:
            environments.python_sdk_dependencies = make


@contextlib.contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before
