"""The page's first sentence: the best system against leaving the photos gray."""

from __future__ import annotations

from collections.abc import Sequence

from huescape.metrics.bootstrap import CONFIDENCE
from huescape.metrics.names import BASELINES, ORACLE, TRUTH
from huescape.reporting.groups import Group
from huescape.reporting.intervals import Difference
from huescape.reporting.sides import Comparisons, Side
from huescape.reporting.wording import signed

_NAMES = {"auc_macro": "macro AuC", "auc": "AuC"}


def verdict(groups: Sequence[Group], comparisons: Comparisons) -> str:
    """How the best system by macro AuC compares with gray, by macro AuC and by AuC.

    It is above or below where the 95 % interval of the difference, over seeds and test photos, is
    on one side of zero. As the best of k systems is chosen on the same photos, the interval is that
    of the level 1 - 0.05 / k (Bonferroni), which holds for all k at once. Where it is above gray
    and not above the best baseline, that is said too.
    """
    known = [
        (mean, group) for group in groups if (mean := Side(group).mean("auc_macro")) is not None
    ]
    if not known or Side(known[0][1], "gray").mean("auc_macro") is None:
        return "No system has a macro AuC that could be compared with leaving the photos gray."
    _, best = max(known, key=lambda pair: pair[0])
    which = f"The best system, {best.name}," if len(known) > 1 else f"The system {best.name}"
    gray = "leaving the photos gray"
    level = 1 - (1 - CONFIDENCE) / len(known)
    seen = {
        key: comparisons.difference(Side(best), Side(best, "gray"), key, level) for key in _NAMES
    }
    said = " and ".join(
        _against(_NAMES[key], found, gray) for key, found in seen.items() if found is not None
    )
    chosen = (
        f" The intervals are corrected for choosing the best of {len(known)}."
        if len(known) > 1
        else ""
    )
    return f"{which} has {said}.{chosen}{_limit(best, seen['auc_macro'], comparisons, level)}"


def _against(name: str, found: Difference, what: str) -> str:
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f", 95 % interval {signed(found.low, 4)} to {signed(found.high, 4)}"
    return (
        f"{'an' if name[0] in 'aA' else 'a'} {name} of {found.first:.3f}, {_where(found)} the "
        f"{found.second:.3f} of {what} ({signed(found.value, 4)}{interval})"
    )


def _where(found: Difference) -> str:
    has_no_variance = found.p is None and found.seeds_error is not None
    if found.low is None or found.high is None or found.low <= 0 <= found.high or has_no_variance:
        return "not to be told from"
    return "above" if found.value > 0 else "below"


def _limit(
    best: Group, against_gray: Difference | None, comparisons: Comparisons, level: float
) -> str:
    """What is said where another baseline does as well as the system."""
    others = [Side(best, name) for name in BASELINES if name not in ("gray", ORACLE, TRUTH)]
    known = [(mean, side) for side in others if (mean := side.mean("auc_macro")) is not None]
    if not known or against_gray is None or _where(against_gray) != "above":
        return ""
    mean, limit = max(known, key=lambda pair: pair[0])
    found = comparisons.difference(Side(best), limit, "auc_macro", level)
    if found is None or _where(found) == "above":
        return ""
    label = BASELINES[limit.prediction].label
    return f" By macro AuC it is not above the {mean:.3f} of the baseline \u201c{label}\u201d."
