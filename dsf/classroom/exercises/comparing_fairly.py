"""Chapter 11: comparing fairly."""

from itertools import combinations

import torch

from dsf.classroom.kinds import Exercise

# --- the best of many ----------------------------------------------------------------------------


def report(validation, test):
    """Mean test accuracy at the best rate; both (rates, seeds)."""
    best = test.mean(1).argmax()
    return test[best].mean().item()


def mended(validation, test):
    """Mean test accuracy, each seed at the rate that the others choose; both (rates, seeds)."""
    others = validation.sum(1, keepdim=True) - validation  # (rates, seeds)
    return test.gather(0, others.argmax(0, keepdim=True)).mean().item()


def _same_seeds(validation, test):
    """lets validation choose, of the very seeds that are reported: a lucky run is lucky on both"""
    return test[validation.mean(1).argmax()].mean().item()


def _each_its_own_best(validation, test):
    """takes for each seed the rate at which its own validation is best"""
    return test.gather(0, validation.argmax(0, keepdim=True)).mean().item()


def _no_choice(validation, test):
    """chooses no rate: it reports the mean over all of them"""
    return test.mean().item()


def _reports_validation(validation, test):
    """reports validation accuracies: what is reported is the test"""
    return mended(validation, validation)


def _test_of_the_others(validation, test):
    """lets test data choose, those of the other seeds: that is what validation is for"""
    return mended(test, test)


def _best_single_run(validation, test):
    """reports the single best run"""
    return test.max().item()


def _accuracies(draw):
    for rates, seeds in ((4, 3), (5, 2), (3, 6)):
        luck = 0.5 + 0.1 * draw.normal(rates, seeds)
        yield tuple(luck + 0.03 * draw.normal(rates, seeds) for _ in range(2))


# --- challenge: how surprising is a difference? --------------------------------------------------


def permutation_p(a, b):
    """How likely is a difference of means as large, either way, if a and b are one group?

    a, b: 1-D tensors. The share, of all ways to choose len(a) of the values, of those whose means
    differ by at least as much as those of a and b.
    """
    both = torch.cat([a, b])
    gap = (a.mean() - b.mean()).abs() - 1e-12

    def apart(chosen):
        rest = [i for i in range(len(both)) if i not in chosen]
        return (both[list(chosen)].mean() - both[rest].mean()).abs() >= gap

    ways = list(combinations(range(len(both)), len(a)))
    return sum(bool(apart(set(way))) for way in ways) / len(ways)


def _share(a, b, test):
    both = torch.cat([a, b])
    found = []
    for way in combinations(range(len(both)), len(a)):
        rest = [i for i in range(len(both)) if i not in way]
        found.append(float(both[list(way)].mean() - both[rest].mean()))
    gap = float(a.mean() - b.mean())
    return sum(test(one, gap) for one in found) / len(found)


def _one_sided(a, b):
    """counts differences in one direction only: b could have been ahead as well"""
    return _share(a, b, lambda one, gap: one >= gap - 1e-12)


def _strictly_larger(a, b):
    """counts only larger differences: the one that was found is one of the ways"""
    return _share(a, b, lambda one, gap: abs(one) > abs(gap) + 1e-12)


def _one_sided_and_larger(a, b):
    """counts differences in one direction only, and not the one that was found"""
    return _share(a, b, lambda one, gap: one > gap + 1e-12)


def _smaller_ones(a, b):
    """counts the smaller differences: small is the number when few are as large"""
    return _share(a, b, lambda one, gap: abs(one) < abs(gap) - 1e-12)


def _groups(draw):
    for few, many in ((3, 3), (2, 4), (4, 3)):
        yield draw.normal(few), draw.normal(many)
    yield torch.tensor([4.0, 6, 5]), torch.tensor([1.0, 3, 2])
    yield torch.tensor([1.0, 2]), torch.tensor([5.0, 4, 3])


EXERCISES = {
    "fair-bug": Exercise(
        mended,
        _accuracies,
        (
            _same_seeds,
            _each_its_own_best,
            _no_choice,
            _reports_validation,
            _test_of_the_others,
            _best_single_run,
        ),
        given=report,
    ),
    "permutation": Exercise(
        permutation_p,
        _groups,
        (_one_sided, _strictly_larger, _one_sided_and_larger, _smaller_ones),
        published=False,
    ),
}
