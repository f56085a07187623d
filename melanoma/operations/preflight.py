"""Checks everything that a run needs, and forecasts how long it takes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from melanoma import storage
from melanoma.ingest.sources import Source
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.engine import load_engine
from melanoma.model.engine_names import AUTO
from melanoma.model.signature import Signer
from melanoma.operations import delivery_checks, environment_checks, output_checks, sample_checks
from melanoma.operations.checks import FAILURES, Check, Result, failed, guarded
from melanoma.operations.forecast import Forecast, forecast
from melanoma.operations.sample_checks import DecodedSample, Listed
from melanoma.operations.shard_checks import check_shards
from melanoma.shards import Shard
from melanoma.table.layout import OutputLayout


@dataclass(frozen=True)
class PlannedRun:
    """The run that is checked before it starts.

    Attributes:
        output: Output folder as the user wrote it.
        sources: Returns the sources for a layout of the output folder, or for None if the folder cannot be used;
            raises a `UsageError` if they contradict each other.
        bundles: URIs of the bundles.
        batch_size: Photographs per batch, at least 1.
        engine: What runs the networks, see `melanoma.model.engine.load_engine`.
        metrics_file: File for metrics; None for none.
        notify_command: Notification command; None for none.
        tries_notification: Whether to run that command with a line that says so.
        shard: The share of the photographs that is scored; None for all of them.
        digests: sha256 that each bundle must have, None where any is accepted; empty to accept any bundles.
        signer: Who must have signed each bundle; None for nobody.
        silence: Keeps native libraries quiet while they are loaded.
    """

    output: str
    sources: Callable[[OutputLayout | None], Sequence[Source]]
    bundles: Sequence[str]
    batch_size: int
    metrics_file: str | None = None
    notify_command: str | None = None
    tries_notification: bool = False
    shard: Shard | None = None
    digests: Sequence[str | None] = ()
    signer: Signer | None = None
    engine: str = AUTO
    silence: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext


class Preflight:
    """Examines a planned run; leaves nothing behind.

    Attributes:
        forecasts: One for each bundle whose network could be timed, complete after the last check.
    """

    def __init__(self, planned: PlannedRun) -> None:
        """Stores the planned run; checks nothing yet."""
        self.forecasts: list[Forecast] = []
        self._planned = planned
        self._layout: OutputLayout | None = None
        self._is_writable = False
        self._listed: Listed | None = None

    def checks(self) -> Iterator[Check]:
        """Runs the checks one by one; skips those that need the result of a failed one."""
        with output_checks.leaving_no_folders(self._planned.output):
            yield from self._checks()

    def _checks(self) -> Iterator[Check]:
        yield guarded(
            "versions", "install melanoma again, in an environment of its own", environment_checks.check_versions
        )
        yield guarded("machine", "look at the limits of the container", environment_checks.check_machine)
        yield from self._channel_checks()
        yield from self._output_checks()
        yield guarded("listing", "check --images, and the credentials of its store", self._check_listing)
        digests = self._planned.digests or [None] * len(self._planned.bundles)
        for uri, digest in zip(self._planned.bundles, digests, strict=True):
            yield from self._bundle_checks(uri, digest)
        needed = max((found.disk_bytes for found in self.forecasts), default=0.0)
        yield guarded("space", "free up some space", lambda: environment_checks.check_space(self._layout, needed))

    def _channel_checks(self) -> Iterator[Check]:
        """Checks that the operator would be told."""
        planned = self._planned
        if (command := planned.notify_command) is not None:
            remedy = "correct --notify-command"
            yield guarded(
                "notification", remedy, lambda: delivery_checks.check_command(command, planned.tries_notification)
            )
        if (path := planned.metrics_file) is not None:
            yield guarded("metrics", "give another --metrics-file", lambda: delivery_checks.check_metrics(path))

    def _output_checks(self) -> Iterator[Check]:
        try:
            storage.folder_target(self._planned.output)
            layout = OutputLayout.at(self._planned.output)
        except FAILURES as error:
            yield failed("output", "choose another --output", error)
            return
        self._layout, shard = layout, self._planned.shard
        yield guarded("other nights", "choose another --output", lambda: output_checks.check_other_runs(layout, shard))
        remedy = "choose another --output, or fix its permissions"
        found = guarded("output", remedy, lambda: output_checks.check_output(layout))
        self._is_writable = found.result is Result.PASS
        yield found
        if self._is_writable:
            yield guarded("reports", remedy, lambda: output_checks.check_reports(layout))

    def _check_listing(self) -> Check:
        sources = self._planned.sources(self._layout)
        self._listed = sample_checks.list_sample(sources, self._planned.shard)
        return sample_checks.check_listing(self._listed, [source.uri for source in sources])

    def _bundle_checks(self, uri: str, digest: str | None) -> Iterator[Check]:
        try:
            bundle = load_bundle(uri, digest, self._planned.signer)
        except FAILURES as error:
            yield failed("bundle", "check the path, or copy the bundle again", error)
            return
        yield Check("bundle", Result.PASS, f"{bundle.model_id}, digest {bundle.digest[:12]}…")
        if self._layout is not None and (shard := self._planned.shard) is not None:
            yield guarded("shards", "choose another --output", partial(check_shards, self._layout, bundle, shard))
        if self._layout is not None and self._is_writable:
            layout = self._layout
            yield guarded("table", "choose another --output", lambda: output_checks.check_commit(layout, bundle))
            yield guarded("race", "choose another --output", lambda: output_checks.check_race(layout, bundle))
        if self._listed is not None and self._listed.count:
            yield from self._sample_checks(bundle, self._listed)

    def _sample_checks(self, bundle: Bundle, listed: Listed) -> Iterator[Check]:
        sample = sample_checks.decode_sample(listed, bundle)
        yield sample_checks.check_decoding(sample.loaded)
        if not len(sample.pixels):
            return
        try:
            with self._planned.silence():
                engine = load_engine(bundle, self._planned.batch_size, self._planned.engine)
                seconds = sample_checks.time_network(engine, sample.pixels)
        except FAILURES as error:
            yield failed("network", "run melanoma bundle verify for details", error)
            return
        yield sample_checks.check_network(seconds, engine.version, bundle.views)
        found = self._forecast(listed, sample, seconds)
        self.forecasts.append(found)
        yield environment_checks.check_memory(found.memory_bytes)

    def _forecast(self, listed: Listed, sample: DecodedSample, seconds_per_photograph: float) -> Forecast:
        batch_bytes = self._planned.batch_size * sample.pixels[0].nbytes
        is_local = storage.local_path(listed.sample[0].stored.uri) is not None
        return forecast(listed.count, sample.loaded, seconds_per_photograph, batch_bytes, is_local)
