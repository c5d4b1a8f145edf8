"""The rules of judgement as printed tables: every row and every number comes from the rule that is used."""

from typing import Any

from evaluation.judgement import delivery, economics, findings, grades, triangulation, value, wording
from evaluation.publication import numbers as say
from evaluation.publication.display import Table
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import confidence_badge, decision_words, grade_badge, rating_words


def rule_tables(settings: Any) -> dict[str, Table]:
    """Placeholder of a static page -> the table that stands for it.

    Args:
        settings: of the review, with its thresholds.
    """
    cuts = dict(wording.cut_ranges())
    yardstick = [(term, published, cuts[term]) for term, published in wording.PUBLISHED_RANGES]
    levels = [
        (confidence_badge("high"), "The design, the checks and the data give little reason for doubt."),
        (confidence_badge("moderate"), "Something in the design, the checks or the data calls for caution; the chapter says what."),
        (confidence_badge("low"), "The finding may change when more or better data arrive."),
    ]  # fmt: skip
    decisions = [
        (rating_words(rating), level, decision_words(recommended), because)
        for (rating, level), (recommended, because) in economics.DECISION_RULES.items()
    ]
    decisions.append(("Anything else", "any", decision_words(economics.OTHERWISE[0]), economics.OTHERWISE[1]))
    held = [
        (case, ", ".join(decision_words(d).lower() for d in instead_of), decision_words(instead), because)
        for case, instead_of, instead, because in economics.HELD_BACK.values()
    ]
    graded = [(grade_badge(name), meaning) for name, meaning in grades.MEANINGS.items()]
    ratings = [(rating_words(name), meaning) for name, meaning in findings.RATINGS.items()]
    return {
        "yardstick_table": Table(
            rows_table(yardstick, ["Term", "As published", "Used here"]), "Words for probability (the PHIA yardstick)"
        ),
        "grade_table": Table(rows_table(graded, ["Finding", "What it means"]), "The findings"),
        "confidence_table": Table(rows_table(levels, ["Confidence", "What it means"]), "Levels of confidence"),
        "rating_rules": Table(rows_table(ratings, ["Called", "If"]), "What the interval and the checks allow"),
        "grade_rules": Table(
            rows_table(grades.print_rules(settings.thresholds), ["If", "then the finding is"]), "The rule for findings"
        ),
        "confidence_rules": Table(
            rows_table(findings.CONFIDENCE_RULES, ["If", "then confidence"]), "The rule for confidence"
        ),
        "decision_rules": Table(
            rows_table(decisions, ["Interval and checks", "Confidence", "Recommended", "Because"]), "The rule for recommendations"
        ),
        "held_back_rules": Table(
            rows_table(held, ["If", "then instead of", "Recommended", "Because"]), "What holds a recommendation back"
        ),
        "delivery_rules": Table(
            rows_table(delivery.DELIVERY_RULES, ["Effect", "Delivered", "What is said"]), "Delivery and effect, in words"
        ),
    }  # fmt: skip


def rule_numbers() -> dict[str, str]:
    """Placeholder of a static page -> the number in use that stands for it."""
    return {
        "delivered_full": say.percentage(delivery.FULL),
        "delivered_hardly": say.percentage(delivery.HARDLY),
        "likely_from": say.percentage(triangulation.LIKELY),
        "discount_rate": f"{100 * value.DISCOUNT_RATE:g}%",
        "optimism_bias": say.percentage(value.DEFAULT_OPTIMISM_BIAS),
        "worth_knowing": say.percentage(economics.WORTH_KNOWING),
    }
