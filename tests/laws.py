"""Statistical tests of what is drawn.

They draw with a fixed seed and reject at the 0.1 % level: each is deterministic, and would have
failed for one seed in a thousand had the seed not been fixed.
"""

import math

import numpy as np


def fits(counts, probabilities):
    """Pearson's chi-squared test at the 0.1 % level."""
    counts, probabilities = np.asarray(counts, float), np.asarray(probabilities, float)
    expected = counts.sum() * probabilities
    assert expected.min() >= 20  # otherwise the chi-squared law does not apply
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom, z = len(counts) - 1, 3.0902  # z: the 99.9 % quantile of the normal law
    c = 2 / (9 * freedom)
    return statistic < freedom * (1 - c + z * math.sqrt(c)) ** 3  # Wilson and Hilferty


def count_rows(rows, outcomes):
    """How often each outcome is a row."""
    place = {outcome: i for i, outcome in enumerate(outcomes)}
    counts = np.zeros(len(place), int)
    found, number = np.unique(np.asarray(rows), axis=0, return_counts=True)
    for row, times in zip(found.tolist(), number, strict=True):
        counts[place[tuple(row)]] += times
    return counts
