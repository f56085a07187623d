"""Writes the bundle of a release candidate: network, card, licence, metrics and plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from melanoma.datasets.splits import TRAIN
from melanoma.evaluation.external import for_bundle
from melanoma.evaluation.pages.evaluation import page
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import FLAGGED
from melanoma.training.calibration.review_curve import plot_review_curve
from melanoma.training.data.class_counts import plot_counts
from melanoma.training.data.policies import POLICIES
from melanoma.training.fitting.checkpoints import HISTORY, SPLIT
from melanoma.training.fitting.monitoring import history_csv
from melanoma.training.fitting.trainer import Trained
from melanoma.training.fitting.warm_start import ANCESTRY, WarmStart
from melanoma.training.networks.registry import network_named
from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.learning_curves import draw_curves
from melanoma.training.release.model_card import CardFacts, write_card
from melanoma.training.release.training_job import TrainingJob

NOT_IN_BUNDLE_JSON = ("curves", "challenge", "confusion")  # large; evaluation.json has them
_LICENCE = "The network in this folder was trained on data under these terms, which also apply to the network.\n\n{}\n"
_EARLIER_LICENCE = "\nIts training started from {}, whose terms also apply:\n\n{}\n"


@dataclass(frozen=True)
class CardText:
    """Text for the card that only the person who runs the training can provide.

    Attributes:
        name: Name of the bundle.
        data: Description of the data.
        licence: Terms of the data.
        command: The exact command.
        limits: Further known limits, one sentence each.
    """

    name: str
    data: str
    licence: str
    command: str
    limits: Sequence[str]


def write_release(uri: str, job: TrainingJob, text: CardText, candidate: ReleaseCandidate) -> Bundle:
    """Writes the bundle.

    Args:
        uri: Folder of the bundle.
        job: What was trained.
        text: Text for the card from the person who runs the training.
        candidate: Result of the job.

    Raises:
        BundleError: The folder already holds other files.
    """
    return write_bundle(uri, candidate.model.network, _settings(job, candidate), _documents(job, text, candidate))


def _settings(job: TrainingJob, candidate: ReleaseCandidate) -> ModelSettings:
    model = candidate.model
    return ModelSettings(
        labels=job.prepared.dataset.labels,
        spec=job.spec,
        prior=model.prior,
        temperature=model.temperature,
        views=model.views,
        decision_rule=job.rule,
        thresholds=model.thresholds,
    )


def _documents(job: TrainingJob, text: CardText, candidate: ReleaseCandidate) -> BundleDocuments:
    facts = card_facts(job, text, candidate)
    return BundleDocuments(
        card=write_card(facts, candidate),
        licence=licence_text(text.licence, job.warm_start),
        reference=candidate.model.reference,
        metrics=_metrics(candidate),
        training={**asdict(facts), "recipe": job.recipe.to_json(), "seed": job.seed},
        extra_files=_extra_files(job, text.name, candidate),
    )


def card_facts(job: TrainingJob, text: CardText, candidate: ReleaseCandidate) -> CardFacts:
    """Collects the facts that the card and `bundle.json` state about a training."""
    labels = job.prepared.dataset.labels
    height, width = job.recipe.size
    return CardFacts(
        name=text.name,
        network=f"{network_named(job.network).description} on photographs of {height}x{width} pixels.",
        teachers=[network_named(name).description for name in job.recipe.teachers],
        backends=candidate.trained.backends,
        origin=job.warm_start.origin if job.warm_start else "",
        data=text.data,
        licence=text.licence.splitlines()[0],
        command=text.command,
        steps=job.prepared.steps,
        tally=job.prepared.dataset.tally(),
        epoch_shares=dict(zip(labels, candidate.trained.prior.tolist(), strict=True)),
        prior=dict(zip(labels, candidate.model.prior, strict=True)),
        look=POLICIES[job.recipe.augmentation].description,
        limits=text.limits,
    )


def licence_text(terms: str, warm_start: WarmStart | None) -> str:
    """Returns the bundle's licence: the terms of its data, and of the data behind its initial weights."""
    earlier = _EARLIER_LICENCE.format(warm_start.origin, warm_start.terms) if warm_start else ""
    return _LICENCE.format(terms) + earlier


def _metrics(candidate: ReleaseCandidate) -> dict[str, Any]:
    assessment, choices = candidate.assessment, dict(candidate.model.choices)
    if assessment.ood_detection:
        choices["strangers"] = assessment.ood_detection
    test = {name: value for name, value in assessment.report.items() if name not in NOT_IN_BUNDLE_JSON}
    external = [for_bundle(part) for part in assessment.external]
    return {"test": test, **assessment.gap, "choices": choices} | ({"external": external} if external else {})


def _extra_files(job: TrainingJob, name: str, candidate: ReleaseCandidate) -> dict[str, bytes]:
    trained, report = candidate.trained, _report(candidate)
    ancestry = {ANCESTRY: job.warm_start.ancestry} if job.warm_start else {}
    return {
        SPLIT: job.prepared.dataset.to_csv(),
        **ancestry,
        HISTORY: history_csv(trained.history),
        "curves.png": draw_curves(trained.history),
        "counts.png": _counts_plot(job.prepared.dataset.tally(), trained),
        "review.png": plot_review_curve(candidate.model.choices["review_below"]),
        "evaluation.json": json.dumps(report, indent=1, sort_keys=True).encode(),
        "evaluation.html": page(report, f"{name}: test part").encode(),
    }


def _report(candidate: ReleaseCandidate) -> dict[str, Any]:
    """Returns the evaluation on the test part, with that on other sources if there are any."""
    assessment, flag = candidate.assessment, candidate.model.choices.get(FLAGGED) or {}
    external = [for_bundle(part) for part in assessment.external]
    return {**assessment.report, **({"external": external, "flag_aim": flag.get("aim")} if external else {})}


def _counts_plot(tally: Mapping[str, Mapping[str, int]], trained: Trained) -> bytes:
    """Plots the photographs of each class, and how many of them an epoch shows."""
    photographs = {label: parts[TRAIN] for label, parts in tally.items()}
    total = sum(photographs.values())
    shown = {label: round(share * total) for label, share in zip(photographs, trained.prior.tolist(), strict=True)}
    return plot_counts(photographs, shown)
