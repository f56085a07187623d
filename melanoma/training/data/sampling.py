"""Draws the photographs of an epoch, classes nearer to each other than they are."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def class_shares(labels: Indices, balance: float) -> npt.NDArray[np.float64]:
    """Gives the share of an epoch that each class is to have.

    Args:
        labels: int64 (photographs,), class index of each.
        balance: 0 leaves classes as frequent as they are, 1 makes them alike; between, shares go by the count to the
            power of 1 - balance (Mikolov et al. 2013 drew words so; 0.5 is the square root of Mahajan et al. 2018).

    Returns:
        float64 (classes,), sum 1.
    """
    counts = np.bincount(labels).astype(float)
    weights = np.where(counts > 0, counts ** (1 - balance), 0.0)
    return np.asarray(weights / weights.sum())


def draw(labels: Indices, seed: tuple[int, int], draws: int, balance: float, max_repeats: int) -> Indices:
    """Draws one epoch: all photographs of a class equally often, give or take one.

    Args:
        labels: int64 (photographs,), class index of each.
        seed: Of the run, and the epoch; each at least 0.
        draws: Photographs wanted.
        balance: See `class_shares`.
        max_repeats: Times that one photograph may come up, at least 1; a class that this does not fill stays smaller.

    Returns:
        int64 (about `draws`,), shuffled indices into `labels`.
    """
    dice, picked = np.random.default_rng(seed), []
    for label, share in enumerate(class_shares(labels, balance)):
        members = np.flatnonzero(labels == label)
        wanted = min(round(share * draws), len(members) * max_repeats)
        rounds = [dice.permutation(members) for _ in range(-(-wanted // max(1, len(members))))]
        picked += [np.concatenate(rounds)[:wanted]] if rounds else []
    return dice.permutation(np.concatenate(picked))
