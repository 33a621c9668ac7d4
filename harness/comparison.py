"""Comparison of arms over seeds: means, differences paired by seed, their t intervals, Holm's correction over arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from protocols.errors import InputError

CONFIDENCE = 0.95


class Difference(NamedTuple):
    """How an arm differs from the first one, in the unit of the scores.

    Attributes:
        mean: of the differences, seed by seed.
        deviation: their standard deviation; None for one seed.
        low: lower end of the 95 % t interval; None for one seed.
        high: upper end.
        p: two-sided, of the paired t test; None for one seed.
        p_holm: corrected for the number of arms.
    """

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None


def paired(differences: Sequence[float]) -> Difference:
    """Return mean, interval and p of differences that belong together by seed.

    Args:
        differences: one a seed; at least one.
    """
    from scipy import stats

    values = np.asarray(differences, np.float64)
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return Difference(mean, None, None, None, None)
    deviation = float(values.std(ddof=1))
    error = deviation / np.sqrt(count)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * error)
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = float(2 * stats.t.sf(abs(mean) / error, count - 1))
    return Difference(mean, deviation, mean - reach, mean + reach, p)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p values corrected by Holm's step-down rule, in the order given; None stays None.

    Args:
        values: p of each of the comparisons made.
    """
    known = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        corrected[place] = highest
    return corrected


def compare(results: Mapping[str, Mapping[int, float]]) -> dict[str, Difference]:
    """Return how each arm but the first differs from the first, over the seeds they share.

    Args:
        results: by arm, by seed: a score.

    Raises:
        InputError: an arm shares no seed with the first one.
    """
    first, *others = results
    found: dict[str, Difference] = {}
    for arm in others:
        seeds = sorted(results[first].keys() & results[arm].keys())
        if not seeds:
            raise InputError(f"compare: expected {arm} and {first} to share seeds, got none")
        found[arm] = paired([results[arm][seed] - results[first][seed] for seed in seeds])
    corrected = holm([difference.p for difference in found.values()])
    return {arm: difference._replace(p_holm=p) for (arm, difference), p in zip(found.items(), corrected, strict=True)}


def table(results: Mapping[str, Mapping[str, Mapping[int, float]]]) -> list[str]:
    """Return the lines of a table: the first arm's scores, then each arm's differences from it.

    Args:
        results: by test, by arm, by seed: a score in 0..1.
    """
    arms = list(dict.fromkeys(arm for scores in results.values() for arm in scores))
    first, *others = arms
    widest = max(len(name) for name in [*arms, "arm"])
    lines = [f"{'arm':<{widest}}   n" + "".join(f"  {name:>38}" for name in results)]
    cells = []
    for scores in results.values():
        values = list(scores[first].values())
        spread = f" ({100 * np.std(values, ddof=1):.2f})" if len(values) > 1 else ""
        cells.append(f"{100 * np.mean(values):.2f}{spread}")
    count = len(next(iter(results.values()))[first])
    lines.append(f"{first:<{widest}}  {count:>2}" + "".join(f"  {cell:>38}" for cell in cells))
    differences = {name: compare(scores) for name, scores in results.items()}
    for arm in others:
        count = min(len(scores[arm]) for scores in results.values())
        cells = [_cell(differences[name][arm]) for name in results]
        lines.append(f"{arm:<{widest}}  {count:>2}" + "".join(f"  {cell:>38}" for cell in cells))
    lines.append(
        f"{first}: mean mIoU in percent (sd over seeds). Others: difference from {first}, paired by seed: mean (sd) "
        "[95 % t interval] p corrected by Holm over arms."
    )
    return lines


def _cell(found: Difference) -> str:
    if found.deviation is None:
        return f"{100 * found.mean:+.2f}"
    return (
        f"{100 * found.mean:+.2f} ({100 * found.deviation:.2f}) "
        f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}] p {found.p_holm:.3f}"
    )
