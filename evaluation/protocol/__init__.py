"""What was promised: the partnership, its indicators, its plans, and their registration."""

from evaluation.protocol.indicator import Indicator, Likelihood
from evaluation.protocol.loading import Review, load_plan, load_review
from evaluation.protocol.partnership import Area, AreaGroup, Areas, ReviewSettings
from evaluation.protocol.period import (
    Frequency,
    PeriodError,
    days_in,
    parse_period,
    period_label,
    periods_per_year,
    to_last_period,
    to_period,
)
from evaluation.protocol.plan import Plan
from evaluation.protocol.resolve import comparison_areas, indicator_roles, likelihood_for, meaningful_effect

__all__ = [
    "Area",
    "AreaGroup",
    "Areas",
    "Frequency",
    "Indicator",
    "Likelihood",
    "PeriodError",
    "Plan",
    "Review",
    "ReviewSettings",
    "comparison_areas",
    "days_in",
    "indicator_roles",
    "likelihood_for",
    "load_plan",
    "load_review",
    "meaningful_effect",
    "parse_period",
    "period_label",
    "periods_per_year",
    "to_last_period",
    "to_period",
]
