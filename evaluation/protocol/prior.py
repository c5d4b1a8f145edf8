"""Priors that a plan may set, each with its reason."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from evaluation.protocol.reading import Because, Promise, refuse
from evaluation.protocol.suggest import nearest, quote


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


class Prior(Promise):
    """A prior that differs from the default: exactly one of `normal` and `half_normal`.

    Attributes:
        normal: mean and standard deviation, on the scale of logarithms.
        half_normal: scale of a spread, which cannot be negative.
        because: why the default will not do.
    """

    normal: Annotated[list[float], BeforeValidator(_normal)] | None = None
    half_normal: Annotated[float, BeforeValidator(_half_normal)] | None = None
    because: Because

    @model_validator(mode="after")
    def _one_form(self) -> Prior:
        if (self.normal is None) == (self.half_normal is None):
            found = "No distribution is given." if self.normal is None else "Two distributions are given."
            raise refuse(found, "Write either normal: [mean, sd] or half_normal: sd.")
        return self


PriorName = Literal["effect", "trend", "level", "season", "noise"]


def prior_name(value: Any) -> Any:
    """The name of a prior, or the refusal of what is none."""
    names = ("effect", "trend", "level", "season", "noise")
    if value not in names:
        near = nearest(str(value), names)
        raise refuse(
            f"There is no prior `{value}`.",
            f"Did you mean `{near}`?" if near else f"Use one of: {', '.join(names)}.",
        )
    return value


def centre_where_it_must_be(priors: dict[str, Prior]) -> dict[str, Prior]:
    """Only the effect and the trend have a mean of their own; a mean elsewhere would be dropped without a word."""
    for name, prior in priors.items():
        if name == "effect" and prior.half_normal is not None:
            found = "An effect may be a benefit or a harm, so its prior cannot be half-normal."
            raise refuse(found, f"Write {{normal: [0, {prior.half_normal:g}], because: ...}}.")
        if name not in ("effect", "trend") and prior.normal is not None and prior.normal[0] != 0:
            found = f"The prior of `{name}` has the mean {prior.normal[0]:g}, but only its spread is used."
            raise refuse(found, f"Write 0 as its mean: {{normal: [0, {prior.normal[1]:g}], because: ...}}.")
    return priors
