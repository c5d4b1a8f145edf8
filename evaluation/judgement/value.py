"""Money as a distribution: net present social value, whether it pays, and what more evidence would be worth.

Every figure is a function of the same draws of events averted, by year since the first start, so that a spreadsheet
can repeat it from what finding.json prints: discounted value = sum over years of averted x unit cost / (1 + rate)^year;
net present social value = that minus the discounted cost. HM Treasury, Green Book: 3.5 % a year (years 0 to 30),
optimism bias on estimates. No ratio of benefit to cost is formed from draws whose effect may be none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.inference.effects import summarise
from evaluation.protocol.plan import Costs

Array = NDArray[np.float64]

DISCOUNT_RATE = 0.035
# HM Treasury's supplementary guidance on optimism bias has no figure for local services. Its upper bound for
# outsourcing is the nearest (41 %, read in a public copy); a plan's own figure, with its reason, replaces it.
DEFAULT_OPTIMISM_BIAS = 0.41
MULTIPLES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
NODES = 2001


@dataclass(frozen=True)
class Stakes:
    """What is at stake in paying for one intervention again.

    Attributes:
        averted: events averted by year since the first start, shape (draw, year).
        log_ratio_mean, log_ratio_sd: posterior of the log rate ratio.
        prior_sd: of the log rate ratio before these data.
        expected: events expected without the intervention, by year.
    """

    averted: Array
    log_ratio_mean: float
    log_ratio_sd: float
    prior_sd: float
    expected: Array


def discount_factors(years: int, rate: float = DISCOUNT_RATE) -> Array:
    """1 / (1 + rate)^year for year 0, 1, ...; shape (year,)."""
    return (1.0 + rate) ** -np.arange(years, dtype=float)


def uplifted(costs: Costs) -> tuple[float, float]:
    """The discounted cost with optimism bias, and the share by which it was raised (0 for an outturn)."""
    share = 0.0
    if costs.basis == "estimate":
        share = costs.optimism_bias.share if costs.optimism_bias is not None else DEFAULT_OPTIMISM_BIAS
    by_year = np.array(costs.by_year or [costs.total], dtype=float) * (1.0 + share)
    return float(by_year @ discount_factors(len(by_year))), share


def appraise(stakes: Stakes, unit_cost: float, cost: float, interval: float) -> dict[str, Any]:
    """Everything about money that follows from draws, one unit cost and one discounted cost of the same price year.

    Args:
        stakes: the draws.
        unit_cost: pounds for one event.
        cost: discounted pounds, optimism bias included.
        interval: probability of the intervals.

    Returns:
        ``averted_by_year`` (means), ``discount_rate``, ``cost_present_value``, ``benefit_present_value``, ``npsv``,
        ``prob_pays``, ``pays_curve`` (value of an event against probability), ``break_even_value`` (value of an event
        at which it is as likely as not to pay; None if no value is), ``break_even_events`` (discounted),
        ``value_of_perfect_information``, ``value_of_as_much_again``.
    """
    factors = discount_factors(stakes.averted.shape[1])
    averted = stakes.averted @ factors
    net = unit_cost * averted - cost
    middle = float(np.median(averted))
    return {
        "discount_rate": DISCOUNT_RATE,
        "averted_by_year": [float(v) for v in stakes.averted.mean(axis=0)],
        "cost_present_value": cost,
        "benefit_present_value": asdict(summarise(unit_cost * averted, interval)),
        "npsv": asdict(summarise(net, interval)),
        "prob_pays": float(np.mean(net > 0)),
        "pays_curve": pays_curve(
            averted, cost, sorted({unit_cost, *(m * (cost / middle if middle > 0 else unit_cost) for m in MULTIPLES)})
        ),
        "break_even_value": cost / middle if middle > 0 else None,
        "break_even_events": cost / unit_cost if unit_cost > 0 else None,
        "value_of_perfect_information": value_of_perfect_information(net),
        "value_of_as_much_again": value_of_as_much_again(stakes, float(stakes.expected @ factors), unit_cost, cost),
    }


def pays_curve(averted: Array, cost: float, values: Sequence[float]) -> list[dict[str, float]]:
    """Probability that the events averted are worth more than the cost, over the value of one event.

    A cost-effectiveness acceptability curve: it exists whatever the sign of the effect, as a ratio's interval does not.
    """
    return [{"value": float(v), "probability": float(np.mean(v * averted > cost))} for v in values]


def value_of_perfect_information(net: Array) -> float:
    """What it would be worth to know the truth before deciding whether to pay again: E max(net, 0) - max(E net, 0)."""
    # In exact arithmetic this is never below 0.
    return max(float(np.mean(np.maximum(net, 0.0)) - max(float(np.mean(net)), 0.0)), 0.0)


def value_of_as_much_again(stakes: Stakes, expected: float, unit_cost: float, cost: float) -> float:
    """What as much evidence again would be worth before deciding, on the normal approximation of the log rate ratio.

    The data's information is 1/posterior variance - 1/prior variance; with twice as much the posterior variance would
    be v1, and the posterior mean would move with variance v0 - v1 (preposterior analysis, Raiffa and Schlaifer 1961).
    """
    now, prior = stakes.log_ratio_sd**2, stakes.prior_sd**2
    information = max(1.0 / now - 1.0 / prior, 0.0)
    later = 1.0 / (1.0 / prior + 2.0 * information) if information else now
    move = np.sqrt(max(now - later, 0.0))
    if move == 0.0:
        return 0.0
    z = np.linspace(-8.0, 8.0, NODES)
    weight = np.exp(-0.5 * z**2)
    weight /= weight.sum()
    # The mean of a ratio is that of a log-normal: half the variance enters.
    net = unit_cost * expected * (1.0 - np.exp(stakes.log_ratio_mean + move * z + later / 2.0)) - cost
    return max(float(weight @ np.maximum(net, 0.0) - max(float(weight @ net), 0.0)), 0.0)
