"""The review's findings as a portfolio: pooled effects, what luck alone would show, and what a budget would best buy.

Every finding is the best guess for its own scheme. Among many, the most striking are partly the luckiest, so all are also
pooled in one hierarchical model (``models.portfolio``), and the number of promising findings that chance alone would
produce stands beside the number found.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models import portfolio

Array = NDArray[np.float64]

ENOUGH_OF_A_KIND = 3
FEWEST = 3
MOST_ENUMERATED = 16
DRAWS = 20_000


@dataclass(frozen=True)
class Effect:
    """One estimated effect of the portfolio.

    Attributes:
        plan, indicator: whose.
        kind: type of intervention, if the plan says.
        mean, sd: posterior of the log rate ratio.
        prior_mean, prior_sd: its prior, taken out again before pooling.
        better: -1 if a fall is better, 1 if a rise is.
        grade: of the finding.
        interval: probability of its credible interval.
        promising: the review's threshold for a promising finding.
    """

    plan: str
    indicator: str
    kind: str | None
    mean: float
    sd: float
    prior_mean: float
    prior_sd: float
    better: int
    grade: str
    interval: float = 0.95
    promising: float = 0.925

    @property
    def information(self) -> float:
        """Precision that the data alone contribute."""
        return 1.0 / self.sd**2 - 1.0 / self.prior_sd**2


def gather_effects(
    findings: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, str | None], promising: float = 0.925
) -> list[Effect]:
    """The effects of a review: primary and secondary indicators with an estimate on the log scale.

    Args:
        findings: plan id -> finding.json.
        kinds: plan id -> type of intervention.
        promising: the review's threshold.
    """
    found = []
    for plan, finding in findings.items():
        for key, entry in finding["indicators"].items():
            log_ratio = entry.get("log_rate_ratio")
            if not log_ratio or entry["role"] == "unaffected":
                continue
            found.append(
                Effect(plan, key, kinds.get(plan), log_ratio["mean"], log_ratio["sd"], log_ratio["prior_mean"],
                       log_ratio["prior_sd"], log_ratio["better"], entry.get("grade", ""), entry["interval"], promising)
            )  # fmt: skip
    return found


def pool_effects(effects: Sequence[Effect]) -> dict[tuple[str, str], dict[str, float]]:
    """Pooled log rate ratio of each effect: ``mean``, ``sd``, ``median``, ``lower``, ``upper`` (as percent changes).

    Effects are turned so that better is lower, pooled with the sceptical prior of each finding taken out (it would be
    used twice), and turned back. An effect of which the data say nothing of their own is left out. Effects of one
    intervention share a part; so do those of one kind, where at least three interventions are of it.

    Returns:
        By (plan, indicator); empty with fewer than three effects.
    """
    usable = [e for e in effects if e.information > 1e-6]
    if len(usable) < FEWEST:
        return {}
    variance = np.array([1.0 / e.information for e in usable])
    own = np.array(
        [v * (e.mean / e.sd**2 - e.prior_mean / e.prior_sd**2) for e, v in zip(usable, variance, strict=True)]
    )
    turn = np.array([-float(e.better) for e in usable])
    plans = list(dict.fromkeys(e.plan for e in usable))
    groups: list[list[int]] = []
    if len(plans) < len(usable):
        groups.append([plans.index(e.plan) for e in usable])
    of_kind = Counter(kind for kind in {e.plan: e.kind for e in usable}.values() if kind)
    large = [kind for kind, n in of_kind.items() if n >= ENOUGH_OF_A_KIND]
    if large:
        # An intervention of a kind with too few others has a group of its own.
        groups.append([large.index(e.kind) if e.kind in large else len(large) + plans.index(e.plan) for e in usable])
    pooled = portfolio.pool(own * turn, np.diag(variance), groups)
    found = {}
    for i, effect in enumerate(usable):
        mean, sd = float(pooled.mean[i] * turn[i]), float(pooled.sd[i])
        z = stats.norm.ppf(0.5 + effect.interval / 2.0)
        change = {
            name: 100.0 * float(np.expm1(mean + at * z * sd))
            for name, at in (("median", 0), ("lower", -1), ("upper", 1))
        }
        chance = float(stats.norm.cdf(effect.better * mean / sd)) if sd > 0 else 0.5
        found[effect.plan, effect.indicator] = {"log_mean": mean, "log_sd": sd, "prob_benefit": chance, **change}
    return found


def chance_of_luck(effect: Effect) -> float:
    """Probability that this design would be graded promising or better if it had no effect at all.

    With no effect the data's own estimate is normal around 0; the finding is promising from that posterior probability
    of benefit on, with the prior as it is. Confidence and checks, which only take away, are not counted.
    """
    if effect.information <= 1e-6:
        return 0.0
    kept = effect.information * effect.sd**2
    needed = stats.norm.ppf(min(effect.promising, 0.5 + effect.interval / 2.0)) * effect.sd
    # better x posterior mean must exceed `needed`; the posterior mean is the prior's part plus what is kept of the data's.
    prior_part = effect.better * (1.0 - kept) * effect.prior_mean
    spread = np.sqrt(kept) * effect.sd
    return float(stats.norm.sf((needed - prior_part) / spread))


def expect_luck(effects: Sequence[Effect]) -> dict[str, Any]:
    """``expected`` promising findings if nothing worked, how many were ``found``, and the probability of ``as_many``."""
    chances = [chance_of_luck(effect) for effect in effects]
    found = sum(effect.grade in ("strong_evidence_of_benefit", "promising") for effect in effects)
    # Poisson-binomial distribution, one finding at a time.
    distribution = np.array([1.0])
    for chance in chances:
        distribution = np.convolve(distribution, [1.0 - chance, chance])
    return {
        "findings": len(chances),
        "expected": float(sum(chances)),
        "found": found,
        "as_many": float(distribution[found:].sum()) if found else 1.0,
    }


@dataclass(frozen=True)
class Offer:
    """What one intervention would cost again, and what it may be worth.

    Attributes:
        plan: its id.
        cost: pounds.
        expected: discounted events expected without it.
        unit_cost: pounds an event.
        log_mean, log_sd: pooled posterior of the log rate ratio.
    """

    plan: str
    cost: float
    expected: float
    unit_cost: float
    log_mean: float
    log_sd: float


def allocate(offers: Sequence[Offer], budget: float, seed: int, sure: float) -> dict[str, Any]:
    """The set of interventions with the greatest expected net value within a budget, and how sure that is.

    Every set is tried up to 16 offers; beyond, sets are built by value for money (said in ``exact``). All costs and
    values must be in prices of one year. The best set on balance contains schemes of which nobody could yet say that
    they pay: ``shown`` are those of it that do pay for themselves with a probability of at least ``sure``.

    Returns:
        ``chosen`` (plan ids), ``shown`` (some of these), ``cost``, ``expected_net``, ``prob_pays`` (the set's value
        exceeds its cost), ``prob_best`` (no other affordable set would have been worth more, were the truth known),
        ``exact``.
    """
    if not offers:
        nothing: dict[str, Any] = {"chosen": [], "shown": [], "cost": 0.0, "expected_net": 0.0}
        return nothing | {"prob_pays": None, "prob_best": 1.0, "exact": True}
    rng = np.random.default_rng(seed)
    draws = np.stack(
        [o.unit_cost * o.expected * -np.expm1(rng.normal(o.log_mean, o.log_sd, DRAWS)) - o.cost for o in offers], axis=1
    )  # fmt: skip
    mean = draws.mean(axis=0)
    exact = len(offers) <= MOST_ENUMERATED
    if exact:
        masks = np.array(list(itertools.product((False, True), repeat=len(offers))), dtype=bool).reshape(
            -1, len(offers)
        )
    else:
        order = np.argsort([-(m + o.cost) / max(o.cost, 1.0) for m, o in zip(mean, offers, strict=True)])
        masks = np.zeros((len(offers) + 1, len(offers)), dtype=bool)
        spent = 0.0
        for step, i in enumerate(order, 1):
            masks[step] = masks[step - 1]
            if mean[i] > 0 and spent + offers[i].cost <= budget:
                masks[step, i], spent = True, spent + offers[i].cost
    affordable = masks[masks @ np.array([o.cost for o in offers]) <= budget + 1e-9]
    best = affordable[int(np.argmax(affordable @ mean))]
    # Which set would be best if each draw were the truth.
    values = np.stack([draws[:2000] @ mask for mask in affordable], axis=1)
    chosen = draws @ best
    pays = np.mean(draws > 0, axis=0) >= sure
    return {
        "chosen": [o.plan for o, taken in zip(offers, best, strict=True) if taken],
        "shown": [o.plan for o, taken, paid in zip(offers, best, pays, strict=True) if taken and paid],
        "cost": float(sum(o.cost for o, taken in zip(offers, best, strict=True) if taken)),
        "expected_net": float(chosen.mean()),
        "prob_pays": float(np.mean(chosen > 0)) if best.any() else None,
        "prob_best": float(np.mean(chosen[:2000] >= values.max(axis=1) - 1e-6)),
        "exact": exact,
    }
