"""How much worse one model may be than another, judged from questions that both were asked.

The bound is that of Fay and Lumbard, "Confidence intervals for difference in proportions for matched pairs compatible
with exact McNemar's or sign tests" (Statistics in Medicine 40(5), 2021, pages 1147-1159). Only the questions on which
the two differ speak: how many of all those are, and how many of them were lost rather than gained, are each bounded
exactly (Clopper and Pearson), and the two are melded. Nothing is approximated by a normal curve, so it holds for ten
questions too. With none gained it is Clopper and Pearson's bound for the share that was lost.
"""

from functools import lru_cache
from math import comb

CELLS = 128  # of the melding; more of them lower the bound by a thousandth at most
HALVINGS = 20  # of the search for the bound: to a millionth


@lru_cache(maxsize=4096)
def most_worse(lost: int, gained: int, asked: int, confidence: float) -> float:
    """The share of questions by which the second model is worse, at most, with this confidence; never below 0.

    `lost` of the `asked` questions only the first model gets right, `gained` only the second.
    """
    differ = lost + gained
    if not 0 < confidence < 1 or min(lost, gained) < 0 or not 0 < asked >= differ:
        raise ValueError(f"no bound for {lost} lost and {gained} gained of {asked} at {confidence}")
    # Rounded up to an edge, so never too low; the closer to 1, the finer, since there a little weighs most.
    edges = [1 - 0.5 * (1 - cell / CELLS) ** 2 for cell in range(CELLS + 1)]
    # Up to which share of the differences the lost ones may make: no more than half of them is no loss at all.
    at_most = [_beta(lost + 1, gained, edge) for edge in edges]
    cells = [(2 * edge - 1, high - low) for edge, low, high in zip(edges[1:], at_most, at_most[1:], strict=False)]

    def covered(bound: float) -> float:
        return at_most[0] + sum(mass * _beta(differ + 1, asked - differ, bound / net) for net, mass in cells if mass)

    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if covered(middle) >= confidence else (middle, high)
    return high


def _beta(passes: int, failures: int, share: float) -> float:
    """The chance that a share drawn from a beta distribution of whole parameters is no more than `share`.

    It is the chance of at least so many `passes` when one less than both together are drawn. With no failures (which
    is no distribution, but the limit of them) all of it lies at 1.
    """
    if share >= 1:
        return 1.0
    draws = passes + failures - 1
    return sum(comb(draws, hits) * share**hits * (1 - share) ** (draws - hits) for hits in range(passes, draws + 1))
