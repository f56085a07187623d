"""Samples the photographs of an epoch so that class shares are closer to each other than in the data."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def class_shares(labels: Indices, balance: float) -> npt.NDArray[np.float64]:
    """Returns the share of each class in a balanced epoch.

    The share is proportional to the class count to the power of 1 - balance. Mikolov et al.: "Distributed
    Representations of Words and Phrases and their Compositionality", NeurIPS 2013, sample words that way; 0.5 is the
    square root of Mahajan et al.: "Exploring the Limits of Weakly Supervised Pretraining", ECCV 2018.

    Args:
        labels: int64 (photographs,), class index of each.
        balance: 0 keeps the shares of the data, 1 makes all classes equally frequent.

    Returns:
        float64 (classes,), sum 1; 0 for a class without photographs.
    """
    counts = np.bincount(labels).astype(float)
    weights = np.where(counts > 0, counts ** (1 - balance), 0.0)
    return np.asarray(weights / weights.sum())


def sample_epoch(labels: Indices, key: tuple[int, int], draws: int, balance: float, max_repeats: int) -> Indices:
    """Samples one epoch; within a class, counts of photographs differ by at most one.

    Args:
        labels: int64 (photographs,), class index of each.
        key: Seed of the training and number of the epoch, each at least 0.
        draws: Number of photographs to draw.
        balance: 0 to 1, see `class_shares`.
        max_repeats: How often one photograph may occur, at least 1; it can keep a small class below its share.

    Returns:
        int64 (about `draws`,), shuffled indices into `labels`.
    """
    rng, sampled = np.random.default_rng(key), []
    for label, share in enumerate(class_shares(labels, balance)):
        members = np.flatnonzero(labels == label)
        wanted = min(round(share * draws), len(members) * max_repeats)
        rounds = [rng.permutation(members) for _ in range(-(-wanted // max(1, len(members))))]
        sampled += [np.concatenate(rounds)[:wanted]] if rounds else []
    return rng.permutation(np.concatenate(sampled))
