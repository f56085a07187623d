"""Annotations that Beam must not see."""

import apache_beam as beam
from apache_beam.typehints.decorators import IOTypeHints

from pipelines.annotations import for_readers


def test_an_expand_keeps_its_name_and_its_annotations_stay_hidden_from_beam() -> None:
    @for_readers
    def expand(self: object, elements: beam.PCollection[int]) -> beam.PCollection[str]:
        """Doubles."""
        return elements

    assert expand.__name__ == "expand" and expand.__doc__ == "Doubles."
    assert IOTypeHints.from_callable(expand) is None
