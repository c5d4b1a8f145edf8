"""What was promised for one intervention: `plans/<id>.yaml`.

The models hold what the file says; what follows from it together with areas and indicators is in `resolve`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from evaluation.protocol.indicator import Likelihood, PriceYear
from evaluation.protocol.reading import Because, Code, PeriodText, Promise, Text, refuse
from evaluation.protocol.slug import slug_fault
from evaluation.protocol.suggest import nearest, quote

Rating = Literal["green", "amber", "red"]
Recommendation = Literal["continue", "expand", "adapt", "pause", "stop", "keep_measuring"]
Shape = Literal["step", "level_and_slope", "ramp", "per_period", "decay"]


def _slug(text: str) -> str:
    if fault := slug_fault(text, "an id"):
        raise refuse(*fault)
    return text


def _treated(value: Any) -> Any:
    remedy = "Write each area with the first period in which it was treated: {T01: 2023-04}."
    if not isinstance(value, dict):
        raise refuse("The treated areas are not given with their first treated periods.", remedy)
    if not value:
        raise refuse("No area is treated.", remedy)
    return value


def _comparison_areas(value: Any) -> Any:
    if isinstance(value, list):
        if not value:
            raise refuse("The list of comparison areas is empty.", "Name areas, a group in areas.yaml, or write all.")
        for code in value:
            if not isinstance(code, (str, int)) or isinstance(code, bool):
                raise refuse(f"{quote(code)} is not read as a code.", "Put codes in quotes: ['T01', 'T02'].")
        return [str(code).strip() for code in value]
    if not isinstance(value, str) or not value.strip():
        raise refuse(
            f"{quote(value)} is not a group or a list.",
            "Name a group in areas.yaml, list areas in [..], or write all.",
        )
    return value.strip()


def _half_normal(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refuse(f"{quote(value)} is not a number.", "Write one number above 0: {half_normal: 0.5, because: ...}.")
    if not 0 < value < float("inf"):
        raise refuse(f"The standard deviation {value:g} is not above 0.", "Write a number above 0.")
    return float(value)


def _normal(value: Any) -> Any:
    remedy = "Write mean and standard deviation: {normal: [0, 0.25], because: ...}."
    if not isinstance(value, list) or len(value) != 2:
        raise refuse("A normal prior needs two numbers.", remedy)
    for number in value:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < float("inf"):
            raise refuse(f"{quote(number)} is not a number.", remedy)
    if value[1] <= 0:
        raise refuse(f"The standard deviation {value[1]:g} is not above 0.", remedy)
    return [float(number) for number in value]


class PlanIndicators(Promise):
    """What success is measured by; `unaffected` outcomes should not move and are a check.

    `harm` names those (of primary and secondary) that are added up weighted by severity; they must not overlap.
    """

    primary: Text
    secondary: list[Text] = Field(default_factory=list)
    unaffected: list[Text] = Field(default_factory=list)
    harm: list[Text] = Field(default_factory=list)


class Exclusion(Promise):
    """Why an area is left out of the comparison."""

    because: Because


class Comparison(Promise):
    """Which areas show what would have happened.

    Attributes:
        areas: the name of a group in areas.yaml, `all`, or codes.
        exclude: codes that are left out, each with its reason.
    """

    areas: Annotated[str | list[str], BeforeValidator(_comparison_areas)] = "all"
    exclude: dict[str, Exclusion] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _accept_bare(cls, data: Any) -> Any:
        return {"areas": data} if isinstance(data, (str, list)) else data


class Window(Promise):
    """Periods that are left out, from the first to the last, with the reason."""

    from_: PeriodText = Field(alias="from")
    to: PeriodText
    because: Because


class PlanPeriod(Promise):
    """What the evaluation looks at.

    Attributes:
        start: first period.
        end: last period.
        exclude: windows left out of the likelihood.
        washout: number of periods after each start in which the effect is not counted.
    """

    start: PeriodText
    end: PeriodText
    exclude: list[Window] = Field(default_factory=list)
    washout: int = Field(default=0, ge=0)


class Effect(Promise):
    """How the effect is expected to look.

    Attributes:
        shape: step, level_and_slope, ramp, per_period or decay.
        meaningful: the smallest effect worth acting on: a rate ratio (0.95 is a fall of 5 %), or a difference for
            a normal likelihood.
        ramp_periods: periods until the full effect, for `ramp`.
        leads: also estimate effects before the start.
    """

    shape: Shape = "step"
    meaningful: float | None = Field(default=None, allow_inf_nan=False)
    ramp_periods: int | None = Field(default=None, ge=1)
    leads: bool = False


class PlanModel(Promise):
    """Departures from the default model."""

    likelihood: Likelihood | None = None
    trend: Literal["none", "linear"] | None = None
    seasonality: Literal["none", "monthly", "quarterly", "weekly", "auto"] = "auto"
    autocorrelation: Literal["none", "ar1"] = "ar1"

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: Any) -> Any:
        return {} if data is None else data


class Prior(Promise):
    """A prior that differs from the default: exactly one of `normal` and `half_normal`."""

    normal: Annotated[list[float], BeforeValidator(_normal)] | None = None
    half_normal: Annotated[float, BeforeValidator(_half_normal)] | None = None
    because: Because

    @model_validator(mode="after")
    def _one_form(self) -> Prior:
        if (self.normal is None) == (self.half_normal is None):
            found = "No distribution is given." if self.normal is None else "Two distributions are given."
            raise refuse(found, "Write either normal: [mean, sd] or half_normal: sd.")
        return self


class OptimismBias(Promise):
    """By which share of itself an estimated cost is raised (0.2: by a fifth), and why."""

    share: float = Field(ge=0, le=5, allow_inf_nan=False)
    because: Because


class Costs(Promise):
    """What the intervention cost, in pounds of the price year.

    Attributes:
        total: over the period that is evaluated.
        by_year: the same by year from the first start on; all in the first year where it is not given.
        basis: `outturn` (spent) or `estimate` (before it is spent, or not yet known).
        optimism_bias: uplift of an estimate.
    """

    total: float = Field(ge=0, allow_inf_nan=False)
    price_year: PriceYear
    source: Text | None = None
    by_year: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=list)
    basis: Literal["outturn", "estimate"] = "outturn"
    optimism_bias: OptimismBias | None = None


class Delivery(Promise):
    """How much was delivered of what was planned; `by_area` is the dose of each treated area."""

    planned: float = Field(ge=0, allow_inf_nan=False)
    delivered: float = Field(ge=0, allow_inf_nan=False)
    unit: Text
    by_area: dict[Code, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)


class Displacement(Promise):
    """Where the problem could have moved to, or the benefit spread.

    Attributes:
        buffer: codes of the areas around the treated ones; never part of the comparison.
        comparison: codes of the areas around the comparison areas, for the weighted displacement difference.
        because: why these areas.
    """

    buffer: list[Code] = Field(min_length=1)
    comparison: list[Code] = Field(default_factory=list)
    because: Because


class Assumption(Promise):
    """Something the evaluation rests on, rated as in the Government's analysis guides."""

    says: Text
    quality: Rating
    impact: Rating
    source: Text | None = None


class Decision(Promise):
    """What the partnership decided, where it differs from what the rule would say."""

    recommended: Recommendation
    because: Because


class Stopping(Promise):
    """When a running intervention is looked at, and what would end it; fixed before the first look.

    Attributes:
        first: periods after the start before the first look.
        every: periods between looks.
        looks: how many looks there will be.
        harm: probability of harm from which the rule says stop.
        success: probability of benefit from which it says the benefit is shown.
        futility: probability of an effect worth acting on at or below which it says there is none.
    """

    first: int = Field(default=6, ge=2, le=120)
    every: int = Field(default=3, ge=1, le=60)
    looks: int = Field(default=4, ge=1, le=24)
    harm: float = Field(default=0.95, gt=0.5, lt=1)
    success: float = Field(default=0.99, gt=0.5, lt=1)
    futility: float = Field(default=0.05, gt=0, lt=0.5)


PriorName = Literal["effect", "trend", "level", "season", "noise"]


def _prior_name(value: Any) -> Any:
    names = ("effect", "trend", "level", "season", "noise")
    if value not in names:
        near = nearest(str(value), names)
        raise refuse(
            f"There is no prior `{value}`.",
            f"Did you mean `{near}`?" if near else f"Use one of: {', '.join(names)}.",
        )
    return value


def _centred_where_it_must_be(priors: dict[str, Prior]) -> dict[str, Prior]:
    """Only the effect and the trend have a mean of their own; a mean elsewhere would be dropped without a word."""
    for name, prior in priors.items():
        if name == "effect" and prior.half_normal is not None:
            found = "An effect may be a benefit or a harm, so its prior cannot be half-normal."
            raise refuse(found, f"Write {{normal: [0, {prior.half_normal:g}], because: ...}}.")
        if name not in ("effect", "trend") and prior.normal is not None and prior.normal[0] != 0:
            found = f"The prior of `{name}` has the mean {prior.normal[0]:g}, but only its spread is used."
            raise refuse(found, f"Write 0 as its mean: {{normal: [0, {prior.normal[1]:g}], because: ...}}.")
    return priors


class Plan(Promise):
    """One plan, as registered: see the field notes in the parts above and `svd new` for an example.

    Attributes:
        moderators: for whom, where and when the intervention is expected to work better or worse.
        implementation: how it was to be carried out.
        kind: type of intervention (hot spot policing, mentoring): findings of one kind are pooled together.
    """

    id: Annotated[Text, AfterValidator(_slug)]
    title: Text
    question: Text
    theory_of_change: Text | None = None
    moderators: Text | None = None
    implementation: Text | None = None
    kind: Text | None = None
    design: Literal["its", "did"]
    indicators: PlanIndicators
    treated: Annotated[dict[Code, PeriodText], BeforeValidator(_treated)]
    comparison: Comparison | None = None
    period: PlanPeriod
    effect: Effect = Effect()
    model: PlanModel = PlanModel()
    priors: Annotated[
        dict[Annotated[PriorName, BeforeValidator(_prior_name)], Prior], AfterValidator(_centred_where_it_must_be)
    ] = Field(default_factory=dict)
    costs: Costs | None = None
    delivery: Delivery | None = None
    displacement: Displacement | None = None
    assumptions: list[Assumption] = Field(default_factory=list)
    decision: Decision | None = None
    stopping: Stopping | None = None


# Stand-ins for keys that are wrong or missing, so that the rest of a plan can still be judged (see `reading`).
STAND_IN: dict[str, Any] = {
    "id": "stand_in",
    "title": "stand-in",
    "question": "stand-in",
    "design": "did",
    "indicators": {"primary": "stand_in"},
    "treated": {"stand-in": "2000"},
    "period": {"start": "2000", "end": "2001"},
}
