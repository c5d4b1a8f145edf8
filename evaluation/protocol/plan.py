"""What was promised for one intervention: `plans/<id>.yaml`.

The models hold what the file says; what follows from it together with areas and indicators is in `resolve`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from evaluation.protocol.indicator import Likelihood, PriceYear
from evaluation.protocol.prior import Prior, PriorName, centre_where_it_must_be, prior_name
from evaluation.protocol.reading import Because, Code, PeriodText, Promise, Text, refuse
from evaluation.protocol.slug import slug_fault
from evaluation.protocol.suggest import quote

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


class PlanIndicators(Promise):
    """What success is measured by.

    Attributes:
        primary: the indicator on which the scheme is judged.
        secondary: others that it should change.
        unaffected: outcomes that should not move; they are a check.
        harm: those (of primary and secondary) that are added up weighted by severity; they must not overlap.
    """

    primary: Text
    secondary: list[Text] = Field(default_factory=list)
    unaffected: list[Text] = Field(default_factory=list)
    harm: list[Text] = Field(default_factory=list)


class Exclusion(Promise):
    """Why an area is left out of the comparison.

    Attributes:
        because: the reason, in words that a reader could question.
    """

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
    """Periods that are left out, from the first to the last, with the reason.

    Attributes:
        from_, to: first and last period that is left out.
        because: the reason.
    """

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
    """Departures from the default model.

    Attributes:
        likelihood: of the primary indicator's numbers, where it is not the indicator's own.
        trend: whether each area has a straight trend of its own.
        seasonality: of the year; `auto` follows the length of the periods.
        autocorrelation: whether a month resembles its neighbours (ar1) or not.
    """

    likelihood: Likelihood | None = None
    trend: Literal["none", "linear"] | None = None
    seasonality: Literal["none", "monthly", "quarterly", "weekly", "auto"] = "auto"
    autocorrelation: Literal["none", "ar1"] = "ar1"

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: Any) -> Any:
        return {} if data is None else data


class OptimismBias(Promise):
    """By which share of itself an estimated cost is raised (0.2: by a fifth), and why.

    Attributes:
        share: of the cost, added to it.
        because: where the share comes from.
    """

    share: float = Field(ge=0, le=5, allow_inf_nan=False)
    because: Because


class Costs(Promise):
    """What the intervention cost, in pounds of the price year.

    Attributes:
        price_year: financial or calendar year whose prices the sums are in.
        source: where the sums come from.
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
    """How much was delivered of what was planned; `by_area` is the dose of each treated area.

    Attributes:
        planned, delivered: how many units were planned, and were delivered.
        unit: what is delivered, in the plural.
        by_area: units delivered in each treated area.
    """

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
    """Something the evaluation rests on, rated as in the Government's analysis guides.

    Attributes:
        says: the assumption, as a sentence.
        quality: how well it is supported: green, amber or red.
        impact: how much hangs on it: green, amber or red.
        source: what supports it.
    """

    says: Text
    quality: Rating
    impact: Rating
    source: Text | None = None


class Decision(Promise):
    """What the partnership decided, where it differs from what the rule would say.

    Attributes:
        recommended: what was decided.
        because: why it differs from the rule.
    """

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


class Plan(Promise):
    """One plan, as registered: see the field notes in the parts above and `svd new` for an example.

    Attributes:
        id: small letters, figures and underscores; the file's name without `.yaml`.
        title: for readers.
        question: what the evaluation is to answer, in one sentence.
        theory_of_change: why what was done should lead to less violence.
        design: its (an area against its own past) or did (treated areas against others).
        indicators: what the scheme is judged by.
        treated: area -> the first period in which the scheme ran there.
        comparison: which areas show what would have happened; needed for did.
        period: what the evaluation looks at.
        effect: how the effect is expected to look, and which size is worth acting on.
        model: departures from the default model.
        priors: departures from the default priors, each with its reason.
        costs: what the scheme cost.
        delivery: how much was delivered.
        displacement: where the problem could have moved to.
        assumptions: what must be true for the answer to be right.
        decision: what the partnership decided, where the rule would say otherwise.
        stopping: when a running scheme is looked at, and what would end it.
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
        dict[Annotated[PriorName, BeforeValidator(prior_name)], Prior], AfterValidator(centre_where_it_must_be)
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
