"""The preprocessing of a bundle is read back as it was written, or refused."""

import pytest

from melanoma.errors import UsageError
from melanoma.model.preprocessing import Scaling


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_scaling_beyond_all_measure_is_a_mistake(value: float) -> None:
    for scaling in ({"scale": value}, {"offset": value}, {"mean": (0, 0, value)}, {"std": (value, 1, 1)}):
        with pytest.raises(UsageError, match="give numbers of at most"):
            Scaling(**scaling)
    with pytest.raises(UsageError):
        Scaling(std=(1, 0, 1))
