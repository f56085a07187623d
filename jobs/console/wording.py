"""Numbers in sentences: those of every room, and rates."""

from melanoma.wording import are, counted

__all__ = ["are", "counted", "per_second"]


def per_second(rate: float) -> str:
    """Returns a rate of photographs, more than 0, with one decimal where it is below 10."""
    if rate < 0.05:
        return "less than 0.1 photographs/s"
    return f"{rate:.1f} photographs/s" if rate < 9.95 else f"{rate:,.0f} photographs/s"
