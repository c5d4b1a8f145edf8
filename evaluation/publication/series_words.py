"""What charts say of a series, in words and signs that tables, charts and the terminal share."""

from __future__ import annotations

import numpy as np

from evaluation.judgement.monitoring import Judged
from evaluation.judgement.rare import RARE_RULES
from evaluation.judgement.xmr import RULE_WORDS
from evaluation.publication import numbers as say
from evaluation.publication.control_charts import SIGNS, WORDS
from evaluation.publication.disclosure import CONFIDENTIAL, NOT_AVAILABLE, Safe, control_counts, escape

BADGES = {"improvement": "benefit", "concern": "harm", "neutral": "too_small_to_tell", "common": "unclear"}
ASSURANCE = {
    "passes": "Consistently meets the target",
    "fails": "Consistently misses the target",
    "hit_and_miss": "Meets or misses the target by chance",
    None: "No target",
}
RANGE_WORDS = {1: "Above the expected range", 0: "Inside the expected range", -1: "Below the expected range"}
CHARTS = {"xmr": "XmR", "g": "g (periods between events)", "t": "t (days between events)", "none": "none"}


def badge(variation: str) -> Safe:
    """The variation icon: sign and words in a box."""
    return Safe(
        f'<span class="svd-badge svd-{BADGES[variation]}"><span aria-hidden="true">{SIGNS[variation]}</span> '
        f"{escape(WORDS[variation])}</span>"
    )


def name_of(j: Judged) -> str:
    """Indicator and area."""
    return f"{j.series.indicator.title}, {j.series.name}"


def rule_words(rule: str) -> str:
    """A rule's key in words."""
    return RARE_RULES.get(rule) or RULE_WORDS.get(rule, rule)


def newest_count(j: Judged) -> object:
    """The newest complete count as it may be printed."""
    return count_at(j, j.series.complete - 1) if j.series.complete else NOT_AVAILABLE


def count_at(j: Judged, position: int) -> object:
    """The count at a position as it may be printed."""
    series = j.series
    value = series.value[position]
    if not np.isfinite(value):
        return CONFIDENTIAL if np.isfinite(series.low[position]) else NOT_AVAILABLE
    if series.indicator.likelihood == "normal":
        return say.plain(float(value))
    return control_counts([value], series.indicator.disclosure)[0]
