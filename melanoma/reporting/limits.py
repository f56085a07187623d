"""What the operator accepts of a run before its exit code is 1."""

from dataclasses import dataclass

EARLIER, BUNDLE = "earlier", "bundle"  # what the predictions of a run are compared with


@dataclass(frozen=True)
class Limits:
    """What the operator accepts.

    Attributes:
        max_failed: Largest share of failed photographs among those that were tried, 0 to 1.
        max_drift: Largest population stability index of the predictions against earlier runs of the model.
        max_bundle_drift: The same against the bundle's validation photographs, from which every archive differs. All
            nevi, or another archive, measured up to 1; swapped colour channels, grey or dark photographs 3.7 or more.
    """

    max_failed: float = 0.05
    max_drift: float = 0.2
    max_bundle_drift: float = 2.0

    @property
    def by_reference(self) -> dict[str, float]:
        """The limits of drift by what the run is compared with, as the report's content names it."""
        return {EARLIER: self.max_drift, BUNDLE: self.max_bundle_drift}
