"""Does pooling help, and what does a portfolio in which nothing works look like? Made-up portfolios with known effects.

Each intervention has a true log rate ratio and an estimate with its own standard error. Its finding on its own is the
posterior under the findings' sceptical prior; pooled, it is that of the portfolio's model. What is counted is what a
board would see: the error of either, findings called promising, intervals that leave out no effect, and schemes that the
allocation would buy, on balance or shown to pay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.inference.frame import Priors
from evaluation.inference.portfolio import Effect, Offer, allocate, expect_luck, pool_effects
from evaluation.protocol.partnership import Thresholds

SIMULATIONS = 200
ERRORS = (0.05, 0.2)  # standard errors of log rate ratios are drawn from this range
EXPECTED, UNIT_COST = 1000.0, 1000.0  # events without the scheme, and pounds an event
WORTH = 0.05  # a scheme costs as much as a fall of this size would be worth
INTERVAL = 0.95


@dataclass(frozen=True)
class Portfolio:
    """One kind of portfolio: how many interventions, the mean of their true log rate ratios, and the spread."""

    interventions: int
    mean: float
    spread: float


SETTINGS = (
    *(Portfolio(n, 0.0, 0.0) for n in (3, 6, 12, 24)),
    *(Portfolio(n, mean, spread) for n in (6, 12) for mean, spread in ((-0.05, 0.0), (-0.05, 0.05), (0.0, 0.15), (-0.1, 0.15))),
)  # fmt: skip


def run_portfolios(
    simulations: int,
    keep: Callable[[pd.DataFrame], object],
    report: Callable[[str], None] = lambda line: None,
    settings: tuple[Portfolio, ...] = SETTINGS,
) -> pd.DataFrame:
    """Every kind of portfolio; ``keep`` is given the rows so far after each.

    Args:
        simulations: portfolios of each kind.
        keep: stores the table so far.
        report: told what was measured.
        settings: the kinds.
    """
    rows: list[dict[str, float]] = []
    for number, setting in enumerate(settings):
        rng = np.random.default_rng((20261121, number))
        found = pd.DataFrame([simulate_portfolio(setting, rng) for _ in range(simulations)])
        means = {str(name): float(value) for name, value in found.mean().items()}
        rows.append({**asdict(setting), "simulations": simulations, **means})
        report(
            f"portfolios: mean squared error {means['mse_apart']:.5f} apart, {means['mse_pooled']:.5f} pooled; a winner in "
            f"{means['winner_apart']:.3f} apart, {means['winner_pooled']:.3f} pooled ({setting})"
        )
        keep(pd.DataFrame(rows))
    return pd.DataFrame(rows)


def simulate_portfolio(setting: Portfolio, rng: np.random.Generator) -> dict[str, float]:
    """One portfolio: mean squared errors, promising findings found and expected by luck, winners, and what is bought."""
    n, prior_sd, threshold = setting.interventions, Priors().effect_sd, Thresholds().promising
    truth = rng.normal(setting.mean, setting.spread, n)
    errors = rng.uniform(*ERRORS, n)
    seen = rng.normal(truth, errors)
    variance = 1.0 / (errors**-2.0 + prior_sd**-2.0)
    mean, sd = variance * seen / errors**2, np.sqrt(variance)
    chance = stats.norm.cdf(-mean / sd)
    grades = np.where(chance >= threshold, "promising", "no_clear_effect")
    effects = [
        Effect(f"p{i}", "x", None, mean[i], sd[i], 0.0, prior_sd, -1, str(grades[i]), INTERVAL, threshold)
        for i in range(n)
    ]
    together = list(pool_effects(effects).values())
    pooled = np.array([found["log_mean"] for found in together])
    cost = UNIT_COST * EXPECTED * WORTH
    offers = [Offer(f"p{i}", cost, EXPECTED, UNIT_COST, pooled[i], together[i]["log_sd"]) for i in range(n)]
    bought = allocate(offers[:6], n * cost, 1, threshold)
    return {
        "mse_apart": float(np.mean((mean - truth) ** 2)),
        "mse_pooled": float(np.mean((pooled - truth) ** 2)),
        "promising": float(np.sum(chance >= threshold)),
        "expected_by_luck": expect_luck(effects)["expected"],
        "winner_apart": float(np.any(chance >= 0.5 + INTERVAL / 2)),
        "winner_pooled": float(any(found["upper"] < 0 for found in together)),
        "bought": len(bought["chosen"]) / min(n, 6),
        "shown_to_pay": len(bought["shown"]) / min(n, 6),
        "worth_buying": float(np.mean(-np.expm1(truth[:6]) > WORTH)),
    }
