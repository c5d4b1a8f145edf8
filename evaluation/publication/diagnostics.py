"""Charts for whoever must judge the finding: its path, its placebos, its prior, and the model against the data.

Drawn through `figures.render`, in the habits of that module. A function returns None where its data show nothing.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import label_ends, note, period_axis, shade_unused
from evaluation.publication.axis import percent_ticks, wrap_label
from evaluation.publication.disclosure import (
    CONFIDENTIAL,
    clean,
    control_counts,
    control_points,
    is_controlled,
    withhold_saturated,
)
from evaluation.publication.display import Figure
from evaluation.publication.figures import Subject, render, rounded, score_cell, values_of
from evaluation.publication.palette import BLUE, DARK, LABEL_ORANGE
from evaluation.publication.reading import READING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]

MOST_NAMES = 24  # more names than this beside a chart cannot be read
DASHED = (0, (5, 2))
# What the model's first coefficient is, for each shape of the effect.
FIRST_COEFFICIENT = {
    "step": "the change of level at the start",
    "level_and_slope": "the change of level at the start, apart from the change of slope",
    "ramp": "the change once it has built up",
    "per_period": "what the changes of all periods since the start have in common",
    "decay": "the change at the start, before it fades",
}


def event_study(effects: Sequence[Mapping[str, Any]], subject: Subject, meaningful: float | None = None) -> Figure:
    """The effect by periods since the start, and before it where the plan asked for that.

    Args:
        effects: items of `by_event_time` of finding.json: event_time and rate_ratio or difference.
        subject: words.
        meaningful: smallest effect worth acting on (a rate ratio, or a difference for scores).
    """
    kind = "difference" if "difference" in effects[0] else "rate_ratio"
    given = sorted(((int(e["event_time"]), e[kind]) for e in effects if say.complete(e.get(kind))), key=lambda g: g[0])
    x = np.array([k for k, _ in given])
    middle, low, high = (_on_scale([s[part] for _, s in given], kind) for part in ("median", "lower", "upper"))
    leads = bool((x < 0).any())
    size = 6.0 if len(x) < 40 else 3.5

    def draw(axes: "Axes") -> None:
        axes.axhline(0, color=DARK, linewidth=1.2, linestyle=":")
        for part, filling in ((x >= 0, BLUE), (x < 0, "white")):
            axes.vlines(x[part], low[part], high[part], color=BLUE, linewidth=2.2 if len(x) < 40 else 1.2)
            axes.plot(x[part], middle[part], "o", color=BLUE, markerfacecolor=filling, markersize=size)
        if leads:
            axes.axvline(-0.5, color=DARK, linewidth=1.2, linestyle=":")
            axes.plot([-1], [0], "D", color=DARK, markerfacecolor="white", markersize=size + 1.5)
            note(axes, "before the start ", (-0.5, 1.0), (-2, 3), "data", "axes fraction", "right")
            note(axes, " since the start", (-0.5, 1.0), (2, 3), "data", "axes fraction", "left")
        if meaningful is not None:
            worth = float(_on_scale([meaningful], kind)[0])
            axes.axhline(worth, color=LABEL_ORANGE, linewidth=1.6, linestyle=DASHED)
            note(axes, "worth acting on", (1.0, worth), (4, -4), "axes fraction", "data", "left", LABEL_ORANGE)
        axes.yaxis.set_major_formatter(lambda v, _: _signed(v, "%" if kind == "rate_ratio" else ""))
        axes.locator_params(axis="x", integer=True)
        axes.set_xlim(x.min() - 0.8, x.max() + 0.8)
        axes.set_xlabel("Periods since the start (0 is the first)")

    sizes = _columns(_size_name(subject), (middle, low, high), kind)
    data = pd.DataFrame({"Periods since start": x.tolist()} | sizes)
    caption = (
        f"{clean(subject.title)}: effect by periods since the start, "
        f"with {say.percentage(subject.interval)} credible intervals; 0 means no change. "
    )
    ends = f"{_change(middle[x >= 0][0], kind, subject)} at first, {_change(middle[-1], kind, subject)} at the end"
    if leads:
        across = int(((low <= 0) & (high >= 0))[x < 0].sum())
        before = f"{across} of the {int((x < 0).sum())} intervals before the start include 0"
        caption += (
            "Open circles are periods before the start, before anything was done: there the areas should not differ, "
            f"and {before}. The diamond is the last period before the start, the reference, which is 0 by definition."
        )
        ends = f"{before}; since the start {ends}"
    elif subject.shape == "per_period":
        caption += "Each period since the start has an estimate of its own, drawn towards what all have in common; "
        caption += "none was made for the time before."
    else:
        caption += "The path has the shape that the plan gave it, so neighbouring periods are not separate evidence; "
        caption += "nothing was estimated for the time before."
    alt = alt_sentence("Chart with intervals", f"the effect on {subject.title} by periods since the start", ends)
    return Figure(
        f"{subject.name}-by-time",
        render(draw, 3.8),
        alt,
        caption,
        data,
        source=subject.source,
        reading=READING["event_study"],
    )


def placebo_distribution(
    placebos: pd.DataFrame, finding: Mapping[str, Any], subject: Subject, widened: Mapping[str, Any] | None = None
) -> Figure | None:
    """The finding among the estimates found where nothing was done.

    Args:
        placebos: one row per placebo of one kind: kind ("area" or "date"), label, median, lower, upper (rate ratios, or
            differences for scores); rows without an estimate are left out.
        finding: median, lower and upper of the real estimate, on the same scale.
        subject: words.
        widened: lower and upper of the finding's interval, made as wide as would have been right on these placebos.
    """
    numbers = ["median", "lower", "upper"]
    if not len(placebos) or not say.complete(finding):
        return None
    estimates = placebos[numbers].astype(float)
    shown = placebos[np.isfinite(estimates if subject.scores else np.log(estimates.where(estimates > 0))).all(axis=1)]
    if shown.empty:
        return None
    kind = "difference" if subject.scores else "rate_ratio"
    date = str(shown["kind"].iloc[0]) == "date"
    what = "false start" if date else "comparison area"
    own = pd.DataFrame([{"label": "This intervention", "real": True} | {k: finding[k] for k in numbers}])
    rows = pd.concat([shown[["label", *numbers]].assign(real=False), own], ignore_index=True)
    rows = rows.sort_values("median", ascending=False, kind="stable")
    real, count = rows["real"].to_numpy(dtype=bool), len(rows) - 1
    percent = [_on_scale(rows[k], kind) for k in numbers]
    # Ratios are drawn on a logarithmic axis, on which a halving is as far from no change as a doubling.
    middle, low, high = percent if subject.scores else [np.log1p(p / 100) for p in percent]
    place = np.arange(len(rows))[::-1]
    wide = [] if widened is None else [float(_on_scale(widened[k], kind)) for k in numbers[1:]]
    ends = wide if subject.scores else [float(np.log1p(end / 100)) for end in wide]
    room = 0.06 * (max(0.0, high.max(), *ends) - min(0.0, low.min(), *ends))
    limits = min(0.0, low.min(), *ends) - room, max(0.0, high.max(), *ends) + room

    def draw(axes: "Axes") -> None:
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.axvline(0, color=DARK, linewidth=1.2, linestyle=":")
        axes.axvline(middle[real][0], color=LABEL_ORANGE, linewidth=1.2, linestyle=DASHED)
        axes.hlines(place[~real], low[~real], high[~real], color=BLUE, linewidth=1.4)
        axes.plot(middle[~real], place[~real], "o", color=BLUE, markerfacecolor="white", markersize=5.5)
        if ends:
            axes.plot(ends, [place[real][0]] * 2, color=LABEL_ORANGE, linewidth=1.0, marker="|", markersize=9)
        axes.hlines(place[real], low[real], high[real], color=LABEL_ORANGE, linewidth=2.8)
        axes.plot(middle[real], place[real], "D", color=LABEL_ORANGE, markersize=9)
        own_size, at = float(percent[0][real][0]), (1.0, float(place[real][0]))
        size = _signed(say.significant(own_size), "") if subject.scores else say.change(own_size)
        if len(rows) <= MOST_NAMES:
            axes.set_yticks(place, [wrap_label(label, 34, 1) for label in rows["label"]])
            note(axes, size, at, (6, -4), "axes fraction", "data", "left", LABEL_ORANGE)
        else:
            axes.set_yticks([])
            axes.set_ylabel(f"{count} {what}s, sorted")
            words = f"this intervention:\n{size}"
            note(axes, words, at, (6, -4), "axes fraction", "data", "left", LABEL_ORANGE)
        axes.set_ylim(-0.8, len(rows) - 0.2)
        axes.set_xlim(*limits)
        _size_axis(axes, limits, subject)

    data = pd.DataFrame(
        {"Estimate for": [clean(label) for label in rows["label"]]} | _columns(_size_name(subject), percent, kind)
    )
    as_far = int((np.abs(middle[~real]) >= abs(middle[real][0])).sum())
    lie = "lies" if as_far == 1 else "lie"
    among = f"{as_far or 'none'} of {count} {what}s {lie} at least as far from no change as this intervention"
    caption = (
        f"{clean(subject.title)}: the estimate for this intervention (diamond) among those of {count} "
        + (f"{what}s at times when nothing began" if date else f"{what}s treated as if they had been given it")
        + f" (circles), with {say.percentage(subject.interval)} credible intervals, sorted by size. {among[0].upper()}{among[1:]}."
    )
    if wide:
        reach = (
            f"{_signed(say.significant(wide[0]), '')} to {_signed(say.significant(wide[1]), '')}"
            if subject.scores
            else say.change_between(wide[0], wide[1])
        )
        caption += f" The thin line: an interval wide enough to have been right on the {what}s, {reach}."
    alt = alt_sentence("Dot chart", f"the estimate for {subject.title} among {what}s where nothing was done", among)
    height = 1.2 + (0.3 if len(rows) <= MOST_NAMES else 0.12) * len(rows)
    name = f"{subject.name}-placebo-{'dates' if date else 'areas'}"
    return Figure(
        name,
        render(draw, min(max(height, 2.4), 7.0)),
        alt,
        caption,
        data,
        source=subject.source,
        reading=READING["placebo"],
    )


def prior_and_posterior(
    draws: Values, prior: Mapping[str, float], subject: Subject, *, odds: bool = False
) -> Figure | None:
    """What was thought of the effect before the data, and what is thought after.

    Args:
        draws: of the model's first coefficient, any shape, on the scale of the link (log ratio; standardised scores).
        prior: effect_mean and effect_sd, on the same scale; scale: the unit of a standardised score (1 for counts).
        subject: words.
        odds: a proportion, whose coefficient is a log odds ratio.
    """
    from scipy.stats import gaussian_kde, norm

    mean, sd, scale = (float(prior[k]) for k in ("effect_mean", "effect_sd", "scale"))
    after = np.asarray(draws, dtype=float).reshape(-1)
    if not np.isfinite(after).all() or np.ptp(after) == 0 or not sd > 0:
        return None
    kind = "difference" if subject.scores else "rate_ratio"
    unit = scale if subject.scores else 1.0
    mean, sd, after = mean * unit, sd * unit, after * unit
    tail = (1.0 - subject.interval) / 2.0
    before_ends = norm.ppf([0.5, tail, 1.0 - tail], mean, sd)
    after_ends = np.quantile(after, [0.5, tail, 1.0 - tail])
    furthest = np.quantile(after, [0.001, 0.999])
    limits = min(mean - 3 * sd, furthest[0]), max(mean + 3 * sd, furthest[1])
    x = np.linspace(*limits, 400)
    before_density, after_density = norm.pdf(x, mean, sd), gaussian_kde(after)(x)

    def draw(axes: "Axes") -> None:
        axes.fill_between(x, after_density, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(x, after_density, color=BLUE)
        axes.plot(x, before_density, color=LABEL_ORANGE, linestyle=DASHED)
        axes.axvline(0, color=DARK, linewidth=1.2, linestyle=":")
        top = int(np.argmax(after_density))
        note(axes, "after the data", (x[top], after_density[top]), (0, 5), "data", "data", "center", BLUE)
        # The prior is named on the side away from the posterior, halfway down its slope.
        side = 1.0 if x[top] < mean else -1.0
        edge = mean + side * 1.18 * sd
        where = (edge, float(norm.pdf(edge, mean, sd)))
        note(
            axes, "before the data", where, (8 * side, 4), "data", "data", "left" if side > 0 else "right", LABEL_ORANGE
        )
        axes.set_yticks([])
        axes.grid(False)
        axes.set_xlim(*limits)
        axes.set_ylim(0, 1.18 * max(before_density.max(), after_density.max()))
        _size_axis(axes, limits, subject, odds)

    shown = [ends if subject.scores else 100 * np.expm1(ends) for ends in (before_ends, after_ends)]
    sizes = _columns(_size_name(subject, odds), list(np.transpose(shown)), kind)
    data = pd.DataFrame({"The effect": ["Before the data (prior)", "After the data (posterior)"]} | sizes)
    before, later = (_range(s[1], s[2], kind, subject) for s in shown)
    width = (after_ends[2] - after_ends[1]) / (before_ends[2] - before_ends[1])
    meaning = FIRST_COEFFICIENT.get(subject.shape, "the effect")
    caption = (
        f"{clean(subject.title)}: the effect in the model before (dashed) and after (filled) seeing the data. It is {meaning}"
        f"{', as a change of the odds' if odds else ''}; the finding adds up expected numbers over all treated periods and can "
        f"differ a little. The {say.percentage(subject.interval)} interval was {before} and became {later}: "
        f"{say.percentage(width)} of its width{'' if subject.scores else ' on the axis shown'}."
    )
    trend = f"{say.percentage(subject.interval)} interval {before} before, {later} after"
    alt = alt_sentence("Density chart", f"the effect on {subject.title} before and after the data", trend)
    return Figure(
        f"{subject.name}-prior", render(draw, 3.4), alt, caption, data, source=subject.source, reading=READING["prior"]
    )


def predictive_check(bands: xr.Dataset, subject: Subject) -> Figure | None:
    """Recorded totals of the treated areas against the range of totals that the model would produce.

    Args:
        bands: from `inference.predictive.predictive_bands`.
        subject: words and disclosure rules.
    """
    labels = [str(t) for t in bands["time"].values]
    observed = values_of(bands, "observed")
    if not np.isfinite(observed).any():
        return None
    controlled = is_controlled(subject.profile) and not subject.scores
    points, withheld = observed, np.zeros(observed.shape, dtype=bool)
    if controlled:
        points, withheld = control_points(observed, subject.profile)
    names = ("outer_lower", "inner_lower", "inner_upper", "outer_upper")
    edges = [withhold_saturated(values_of(bands, n), withheld, subject.shape, subject.profile) for n in names]
    used = np.asarray(bands["used"].values, dtype=bool)
    x = np.arange(len(labels))
    outer = say.percentage(float(bands.attrs["interval"]))

    def draw(axes: "Axes") -> None:
        shade_unused(axes, ~used)
        # Bars and not a band: a period between two that were left out has a range of its own.
        for bottom, top, shade in ((edges[0], edges[3], "#D3DCE5"), (edges[1], edges[2], "#8AA3BA")):
            seen = np.isfinite(bottom)
            axes.bar(x[seen], (top - bottom)[seen], bottom=bottom[seen], width=0.86, color=shade)
        axes.plot(x, points, "o", markersize=4.2, markerfacecolor="white", markeredgecolor=DARK, markeredgewidth=1.1)
        if not subject.scores:
            axes.set_ylim(bottom=0)
        middle = (edges[1] + edges[2]) / 2
        label_ends(
            axes, x, [("Recorded", points, DARK), (f"{outer} range", edges[3], BLUE), ("50% range", middle, BLUE)]
        )
        period_axis(axes, labels)

    data = pd.DataFrame({"Period": labels})
    data["Recorded"] = control_counts(observed, subject.profile) if controlled else [score_cell(v) for v in observed]
    for name, edge in zip((f"{outer} from", "50% from", "50% to", f"{outer} to"), edges, strict=True):
        data[name] = rounded(edge)
    n, inside, half = (int(bands.attrs[k]) for k in ("n", "inside_outer", "inside_inner"))
    total = "mean score" if subject.scores else "total"
    share = f"{inside} of {n} recorded {total}s lie inside the {outer} range and {half} inside the 50% range"
    caption = (
        f"{clean(subject.title)}: recorded {total} of the treated areas, and where the model would put it. {share}."
        " The model has seen these figures, so more of them than the name of a range says may lie inside it."
    )
    count = np.asarray(bands["cells"].values)
    if len(np.unique(count[count > 0])) > 1:
        caption += " In a period in which an area has no exact figure, both are of the other areas alone."
    if withheld.any():
        ranges = " with their ranges" if np.isnan(edges[0][withheld]).all() else ""
        caption += f" Recorded counts of 1 to 7 are withheld ({CONFIDENTIAL}) and left out of the chart{ranges}; "
        caption += "others are rounded to 5."
    elif controlled:
        caption += " Recorded counts are rounded to 5."
    if not used.all():
        caption += " Grey periods were left out of the analysis."
    alt = alt_sentence("Chart with bands", f"recorded and replicated {subject.title}", share)
    return Figure(
        f"{subject.name}-predictive",
        render(draw, 4.0),
        alt,
        caption,
        data,
        ("Recorded",) if controlled else (),
        subject.source,
        READING["predictive"],
    )


def _size_axis(axes: "Axes", limits: tuple[float, float], subject: Subject, odds: bool = False) -> None:
    """Sizes of an effect along a horizontal axis: differences, or percent changes at their log ratios."""
    axes.set_xlabel(_size_name(subject, odds))
    if subject.scores:
        axes.xaxis.set_major_formatter(lambda v, _: _signed(v, ""))
        return
    ticks = percent_ticks(*limits)
    axes.set_xticks([float(np.log1p(t / 100)) for t in ticks], [_signed(t, "%") for t in ticks])


def _signed(value: float, sign: str) -> str:
    return f"{value:+g}{sign}".replace("-", "−") if round(value, 9) else f"0{sign}"


def _on_scale(values: Any, kind: str) -> Values:
    """Percent changes of ratios; differences as they are."""
    given = np.asarray(values, dtype=float)
    return 100.0 * (given - 1.0) if kind == "rate_ratio" else given


def _size_name(subject: Subject, odds: bool = False) -> str:
    if subject.scores:
        return f"Difference ({clean(subject.unit, 60)})"
    return "Percent change of the odds" if odds else "Percent change"


def _columns(name: str, parts: Sequence[Values], kind: str) -> dict[str, list[float]]:
    """Three columns of the table behind a chart: median, lower, upper."""

    def cell(value: float) -> float:
        return round(value, 1) if kind == "rate_ratio" else say.significant(value)

    return {n: [cell(float(v)) for v in part] for n, part in zip((name, "Lower", "Upper"), parts, strict=True)}


def _change(value: float, kind: str, subject: Subject) -> str:
    return say.change(value) if kind == "rate_ratio" else say.shift(value, clean(subject.unit, 40))


def _range(low: float, high: float, kind: str, subject: Subject) -> str:
    ends = {"lower": low, "upper": high}
    return say.change_range(ends) if kind == "rate_ratio" else say.shift_range(ends, clean(subject.unit, 40))
