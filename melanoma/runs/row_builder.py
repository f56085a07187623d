"""The rows of one chunk, gathered batch by batch."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from melanoma.errors import ErrorKind, PhotographError
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle
from melanoma.model.decision import Decision, ModelOutput, are_sound, decide
from melanoma.runs.records import Stage
from melanoma.runs.run import Run
from melanoma.table.schema import COLUMNS, FAILED, PROBABILITY_PREFIX, SCORED


class RowBuilder:
    """Builds the rows of one chunk.

    Attributes:
        scored: Number of rows with probabilities.
        store_failures: Number of rows that failed by the store's fault.
        timeline: When they were read and decoded; None if the run is not profiled.
    """

    def __init__(self, run: Run, bundle: Bundle) -> None:
        """Begins an empty chunk.

        Args:
            run: Whose rows they are.
            bundle: Description of its model.
        """
        self._run, self._bundle = run, bundle
        self._columns: dict[str, list[Any]] = {name: [] for name in run.schema.names}
        self.scored = self.store_failures = 0
        self._read, self._decoded = Stage(), Stage()
        self.timeline = run.timeline()

    def add_scored(self, loaded: Sequence[Loaded], output: ModelOutput) -> None:
        """Adds scored photographs; one whose output is not a probability becomes a failed row.

        Args:
            loaded: Photographs.
            output: Of the network, in their order.
        """
        sound = are_sound(output)
        columns = self._columns_of(decide(self._bundle, output), output)
        for index, photograph in enumerate(loaded):
            if not sound[index]:
                bad = PhotographError(ErrorKind.BAD_OUTPUT, "the network gave values that are no probabilities")
                self.add_failed([photograph._replace(error=bad)])
                continue
            self._add(photograph, status=SCORED, **{name: column[index] for name, column in columns.items()})
            self.scored += 1

    def _columns_of(self, decision: Decision, output: ModelOutput) -> dict[str, Sequence[Any]]:
        slugs = self._bundle.slugs
        columns: dict[str, Any] = {
            "top_label": [slugs[index] for index in decision.top_index],
            "top_probability": decision.top_probability,
            "flag_melanoma": decision.flag_melanoma,
            "review": decision.review,
            "review_reason": decision.review_reason,
            "ood_score": output.ood,
            **{f"{PROBABILITY_PREFIX}{slug}": output.probabilities[:, index] for index, slug in enumerate(slugs)},
        }
        return {name: column for name, column in columns.items() if column is not None}

    def add_failed(self, failures: Sequence[Loaded]) -> None:
        """Adds photographs that carry an error.

        Raises:
            ValueError: One carries none.
        """
        for photograph in failures:
            if photograph.error is None:
                raise ValueError("a failed photograph carries its error")
            error = photograph.error
            self._add(photograph, status=FAILED, error_kind=error.kind.value, error=error.detail)
            self.store_failures += error.kind.is_store_failure

    def _add(self, photograph: Loaded, **values: Any) -> None:
        ref = photograph.ref
        self._read += Stage(photograph.read_seconds, 1, photograph.bytes)
        self._decoded += Stage(photograph.decode_seconds, 1, photograph.bytes)
        if self.timeline is not None:
            self.timeline.add("read", photograph.read_seconds, photograph.read_at)
            self.timeline.add("decode", photograph.decode_seconds, photograph.decoded_at)
        values |= {
            "image_id": ref.image_id,
            "image_uri": ref.uri,
            "image_version": ref.version,
            "run_date": self._run.run_date,
            "run_id": self._run.run_id,
            "scored_at": self._run.now(),
            "attempt": ref.attempt,
            "width": photograph.width,
            "height": photograph.height,
            "image_sha256": photograph.sha256,
            "model_id": self._run.model_id,
        }
        first_kept = len(COLUMNS) + len(self._bundle.slugs)
        values |= photograph.tags
        values |= dict(zip(self._run.schema.names[first_kept:], ref.kept, strict=False))
        for name, column in self._columns.items():
            column.append(values.get(name))

    @property
    def stages(self) -> dict[str, Stage]:
        """What reading and decoding cost so far."""
        return {"read": self._read, "decode": self._decoded}

    def table(self) -> pa.Table:
        """Returns the rows so far, in the run's schema."""
        return pa.Table.from_pydict(self._columns, schema=self._run.schema)
