"""What a card says about views, the melanoma flag and the review."""

from collections.abc import Iterator, Mapping
from typing import Any

from melanoma.training.release.markdown_tables import NOT_EVALUATED, inline, table


def views_sentence(views: int) -> Iterator[str]:
    """Yields what a card says about views that are averaged; nothing for one view."""
    if views > 1:
        yield (
            f"It scores {views} views of each photograph, turned and mirrored, and averages their logits; the network "
            f"takes {views} times as long for that."
        )


def decision_paragraphs(choices: Mapping[str, Any], flag_on_test: Mapping[str, Any] | None) -> Iterator[str]:
    """Yields what the melanoma flag and the review achieve.

    Args:
        choices: How the thresholds were chosen, as `thresholds.choose_thresholds` returns it.
        flag_on_test: Sensitivity and specificity of the flag on the test part; None if it has too few melanomas.
    """
    if flag := choices.get("melanoma"):
        yield _melanoma_flag(flag, flag_on_test)
    review = choices["review_below"]
    yield (
        f"`review` is set, with reason `uncertain`, where the confidence of the chosen label is below "
        f"{review['threshold']:.3f}: {inline(review['sent'])} of the validation part. On that part, accuracy is "
        f"{inline(review['all']['accuracy'])} on all photographs and {inline(review['kept']['accuracy'])} on the rest."
    )
    yield from _sources(choices.get("sources", {}), (choices.get("melanoma") or {}).get("aim"), review["most_sent"])
    yield "![Accuracy of the rest against the share referred to a person](review.png)"


def _sources(sources: Mapping[str, Any], aim: float | None, most_sent: float) -> Iterator[str]:
    """Yields what the thresholds achieve at each source of the validation part."""
    if not sources:
        return
    yield (
        "Temperature and thresholds were chosen so that they hold at each source of the validation part: the worst "
        "source decides. Sources with fewer than 10 melanomas have no say about the flag, and those with fewer than 50 "
        "photographs none about the review and the temperature."
    )
    head = ("source", "n", "sensitivity of the flag", "specificity", "share for review", "calibration error")
    names = ("sensitivity", "specificity", "sent", "calibration_error")
    rows = [(name, one["n"], *(inline(one.get(key)) for key in names)) for name, one in sources.items()]
    yield table(head, rows)
    missed = [name for name, one in sources.items() if aim and _value(one, "sensitivity", 1.0) < aim]
    much = [name for name, one in sources.items() if _value(one, "sent", 0.0) > most_sent]
    if missed:
        yield f"The flag finds less than {aim:.0%} of the melanomas of {', '.join(missed)}, which had too few to count."
    if much:
        yield f"More than {most_sent:.0%} of {', '.join(much)} go to a review; it had too few photographs to count."


def _value(figures: Mapping[str, Any], name: str, unknown: float) -> float:
    estimate = figures.get(name)
    return float(estimate["value"]) if estimate else unknown


def _melanoma_flag(flag: Mapping[str, Any], on_test: Mapping[str, Any] | None) -> str:
    return (
        f"`flag_melanoma` is set where `p_melanoma` is at least {flag['threshold']:.4f}, the threshold that finds "
        f"{100 * flag['aim']:.0f} % of the melanomas of the validation part ({_figures(flag)}). On the test part: "
        f"{_figures(on_test) if on_test else NOT_EVALUATED}."
    )


def _figures(flag: Mapping[str, Any]) -> str:
    return f"sensitivity {inline(flag['sensitivity'])}, specificity {inline(flag['specificity'])}"
