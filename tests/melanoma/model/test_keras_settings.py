"""Neither the environment nor a user's keras.json changes what scores."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.model import keras_settings
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine, score_all
from melanoma.model.golden import check_decoder

FOREIGN = {"backend": "jax", "floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}
# Prints the golden samples' probabilities as a command of the program computes them.
PROGRAM = """
import sys
from jobs.cli import main
code = main(["bundle", "verify", sys.argv[1]])
import keras
print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format(), keras.config.epsilon())
sys.exit(code)
"""
LOADED = """
import keras
from melanoma.errors import UsageError
from melanoma.model import keras_settings
keras_settings.ignore_environment()
try:
    keras_settings.settle()
except UsageError as error:
    print(error)
"""


def run(program: str, home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env=os.environ | {"KERAS_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a keras.json of somebody who uses Keras in another way."""
    (tmp_path / "keras.json").write_text(json.dumps(FOREIGN))
    return tmp_path


def test_a_command_scores_with_its_own_settings(home: Path, bundle_uri: str) -> None:
    """A backend that is not installed, and a file that Keras itself refuses, would end it too."""
    (home / "keras.json").write_text(json.dumps({**FOREIGN, "floatx": "float8"}))
    done = run(PROGRAM, home, bundle_uri, KERAS_BACKEND="bogus")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "tensorflow float32 channels_last 1e-07"
    assert "reproduces its" in done.stdout


def test_keras_that_was_loaded_with_another_backend_is_refused(home: Path) -> None:
    done = run(LOADED, home)
    assert done.stdout.startswith("Keras was loaded with the backend 'jax', expected tensorflow"), done.stderr
    assert "unset KERAS_BACKEND" in done.stdout


@pytest.fixture
def foreign_settings() -> Iterator[None]:
    """Sets in this process what a keras.json sets."""
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_epsilon(0.1)
    yield
    keras_settings.settle()


def test_settings_of_a_file_that_was_read_are_undone_before_a_network_is_loaded(
    bundle_uri: str, request: pytest.FixtureRequest
) -> None:
    bundle = load_bundle(bundle_uri)
    pixels = check_decoder(bundle)
    expected = score_all(load_engine(bundle, 4, "tensorflow"), pixels)
    request.getfixturevalue("foreign_settings")
    assert np.array_equal(score_all(load_engine(bundle, 4, "tensorflow"), pixels).probabilities, expected.probabilities)
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")
    assert keras.config.epsilon() == 1e-7 and keras.config.dtype_policy().name == "float32"
