"""A mark for tests that need a processor which computes in bf16."""

import pytest

from melanoma.model.engine_names import BF16
from melanoma.model.openvino_engine import computes_in

needs_bf16 = pytest.mark.skipif(not computes_in(BF16), reason="this processor does not compute in bf16")
