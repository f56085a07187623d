"""Names of models for people: the last part of their bundles' addresses."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from melanoma.errors import UsageError


def shown(model_id: str, name: str) -> str:
    """Returns a model for people: its name and id, or its id alone if it has no name."""
    return f"{name} ({model_id})" if name else model_id


@dataclass(frozen=True)
class ModelNames:
    """Names of models by their ids; a model without one, for example of an old version's runs, has its id only.

    Attributes:
        by_id: Name of each model that has one.
    """

    by_id: Mapping[str, str] = field(default_factory=dict)

    def name(self, model_id: str) -> str:
        """Returns the name of a model; empty if it has none."""
        return self.by_id.get(model_id, "")

    def listed(self, model_ids: Iterable[str]) -> str:
        """Returns several models for people, each by its name and id."""
        return ", ".join(shown(model_id, self.name(model_id)) for model_id in model_ids)

    def find(self, text: str, present: Collection[str]) -> str | None:
        """Finds the model that somebody named.

        Args:
            text: Name or id; an id counts before a name.
            present: Ids of the models to choose from.

        Returns:
            Its id; None if no model is called so.

        Raises:
            UsageError: Several models have this name.
        """
        if text in present:
            return text
        found = sorted(model_id for model_id in present if self.by_id.get(model_id) == text)
        if len(found) > 1:
            raise UsageError(f"{len(found)} models are named {text!r}: {', '.join(found)}; give the id of one of them")
        return found[0] if found else None
