"""From sources to photographs: listed once, and asked of the ledger what there is to do."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma.inputs import ImageRef, Root, Source, digest_of, list_images
from melanoma.ledger import Ledger, State, load_ledger
from melanoma.runs import Run

IGNORED, SKIPPED, STAGED = "ignored", "skipped", "staged"


class ListImages(beam.PTransform):
    """Lists sources, or the roots that plain strings name.

    Input: `Source` or str. Output: a tuple with `main` of `ImageRef`, materialised once, so that a retry downstream
    never lists again, and `ignored` of a `Counter` a source.
    """

    def expand(self, sources: beam.PCollection) -> Any:
        """Wires the listing."""
        listed = sources | "ListSource" >> beam.ParDo(_ListFn()).with_outputs(IGNORED, main="listed")
        refs = listed.listed | "KeepListing" >> beam.Reshuffle()
        return {"listed": refs, IGNORED: listed[IGNORED]}


class _ListFn(beam.DoFn):
    def process(self, source: Source | str) -> Iterator[Any]:
        ignored = Counter[str]()
        yield from list_images(Root(source) if isinstance(source, str) else source, ignored)
        yield TaggedOutput(IGNORED, ignored)


class SkipDone(beam.PTransform):
    """Keeps the photographs that a run has still to score, each with the number of its attempt.

    Input: `ImageRef`. Output: tagged `main` of `ImageRef`, `skipped` of None, and `staged` of digests that are
    to be adopted.
    """

    def __init__(self, run: Run) -> None:
        """Takes the run whose table and staging count."""
        super().__init__()
        self._run = run

    def expand(self, refs: beam.PCollection) -> Any:
        """Wires the look-up."""
        return refs | beam.ParDo(_SkipFn(self._run)).with_outputs(SKIPPED, STAGED, main="new")


class _SkipFn(beam.DoFn):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._ledger: Ledger | None = None

    def process(self, ref: ImageRef) -> Iterator[Any]:
        if self._ledger is None:
            self._ledger = load_ledger(self._run)
        state = self._ledger.state(ref)
        if state is State.DONE:
            yield TaggedOutput(SKIPPED, None)
        elif state is State.STAGED:
            yield TaggedOutput(STAGED, digest_of(ref.uri, ref.version))
        else:
            yield ref._replace(attempt=self._ledger.attempt(ref))
