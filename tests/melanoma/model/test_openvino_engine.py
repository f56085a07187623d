"""What OpenVINO does to the process in which it runs."""

import subprocess
import sys

from tests.helpers import ROOT

SIGNALLED = """
import gc, signal, sys
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine

bundle = load_bundle(sys.argv[1])
engines = [load_engine(bundle, 4, "openvino") for _ in range(2)]
while engines:
    del engines[0]
    gc.collect()
signal.signal(signal.SIGTERM, lambda number, frame: print("stopped"))
signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_after_engines_were_released_reaches_its_handler(bundle_uri: str) -> None:
    words = [sys.executable, "-c", SIGNALLED, bundle_uri]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "stopped\n"), ended.stderr
