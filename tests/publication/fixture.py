"""FABRICATED evaluations for tests of publication: numbers from a random generator, about no real place or scheme."""

import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import yaml

HOSTILE = (
    '=cmd|"/C calc"!A0 <script>window.__xss=1</script><img src=x onerror="window.__xss=1"> {raw}`html` $\\foo$ '
    "[x](http://evil.example) ```{include} /etc/passwd``` \u202eRTL ŵŷ Llanfair 😀 " + "long " * 60
)
RATINGS = ("benefit", "harm", "no_meaningful_effect", "unclear", "too_small_to_tell", "failed")
TRUE_RATIO = {
    "benefit": 0.82,
    "harm": 1.15,
    "no_meaningful_effect": 0.99,
    "unclear": 0.93,
    "too_small_to_tell": 0.9,
}
SPREAD = {
    "benefit": 0.04,
    "harm": 0.05,
    "no_meaningful_effect": 0.02,
    "unclear": 0.07,
    "too_small_to_tell": 0.3,
}
PHRASE = {
    "benefit": "almost certain",
    "harm": "remote chance",
    "no_meaningful_effect": "unlikely",
    "unclear": "highly likely",
    "too_small_to_tell": "likely",
}


def review(folder: Path, title: str = "Annual strategy review 2024-25") -> SimpleNamespace:
    """A review object with the attributes that publication reads."""
    settings = SimpleNamespace(
        title=title,
        partnership="Fabricated Partnership",
        year="2024-25",
        interval=0.95,
        simulated=True,
        seed=2025,
        contact="svd@partnership.example",
        authors=["A. Analyst"],
        summary=None,
        authorities=["Fabricated Police", "Fabricated Council"],
    )
    indicators = {
        "assault": indicator("assault", "Evening assaults", "assaults", "health"),
        "vehicle_crime": indicator("vehicle_crime", "Vehicle crime", "offences", "already_public"),
        "safety_score": indicator("safety_score", "Feeling of safety", "points", "partner", "normal"),
        "hostile": indicator("hostile", HOSTILE, HOSTILE, "health"),
    }
    return SimpleNamespace(
        folder=folder,
        settings=settings,
        areas=SimpleNamespace(areas={}, groups={}),
        indicators=indicators,
        plans={},
        plan_files={},
    )


def indicator(
    key: str, title: str, unit: str, disclosure: str, likelihood: str = "negative_binomial"
) -> SimpleNamespace:
    """An indicator with the attributes that publication reads."""
    return SimpleNamespace(
        key=key,
        title=title,
        unit=unit,
        direction="lower_is_better",
        definition=title,
        source="fabricated",
        licence=None,
        likelihood=likelihood,
        disclosure=disclosure,
        unit_cost=None,
        breaks=[],
    )


def plan(
    plan_id: str, title: str, design: str, primary: str, secondary: list[str], shape: str = "step"
) -> SimpleNamespace:
    """A plan with the attributes that publication reads."""
    decision = None
    return SimpleNamespace(
        id=plan_id,
        title=title,
        question=f"Did {title} reduce what it set out to reduce?",
        design=design,
        theory_of_change="More adults at closing time, fewer quarrels." if title != HOSTILE else HOSTILE,
        indicators=SimpleNamespace(primary=primary, secondary=secondary, unaffected=[]),
        treated={"T01": "2023-04", "T04": "2023-10"},
        decision=decision,
        comparison=SimpleNamespace(areas="similar", exclude={"T07": SimpleNamespace(because="a competing scheme")}),
        period=SimpleNamespace(
            start="2019-04",
            end="2025-03",
            washout=1,
            exclude=[SimpleNamespace(from_="2020-03", to="2021-02", because="lockdowns")],
        ),
        effect=SimpleNamespace(shape=shape, meaningful=0.95, ramp_periods=None, leads=False),
        model=SimpleNamespace(likelihood=None, trend="linear", seasonality="monthly", autocorrelation="ar1"),
        priors={},
        costs=SimpleNamespace(total=150000.0, price_year="2023-24", source="budget"),
        delivery=SimpleNamespace(planned=400, delivered=352, unit="sessions"),
        assumptions=[SimpleNamespace(says="Recording did not change", quality="amber", impact="red", source=None)],
    )


def summary(middle: float, lower: float, upper: float) -> dict[str, float]:
    """The four numbers of an estimate."""
    return {"mean": middle, "median": middle, "lower": lower, "upper": upper}


def series(
    rng: np.random.Generator, ratio: float, spread: float, level: float, n: int = 72, start: int = 48
) -> xr.Dataset:
    """Fabricated monthly series with suppressed (NaN) and excluded months."""
    time = [str(p) for p in pd.period_range("2019-04", periods=n, freq="M")]
    base = level * (1 + 0.15 * np.sin(np.arange(n) * 2 * np.pi / 12))
    post = np.arange(n) >= start
    mu = base * np.where(post, ratio, 1.0)
    observed = rng.poisson(mu).astype(float)
    observed[rng.random(n) < 0.05] = np.nan
    used = ~((np.arange(n) >= 11) & (np.arange(n) < 23))
    averted = np.where(post, np.cumsum(np.where(post, base - mu, 0.0)), np.nan)
    half = np.where(post, 2 * spread * np.sqrt(np.cumsum(post)) * level, np.nan)
    data = {
        "observed": observed,
        "mu": mu,
        "mu_lower": mu * 0.93,
        "mu_upper": mu * 1.07,
        "mu0": base,
        "mu0_lower": base * (1 - 2 * spread),
        "mu0_upper": base * (1 + 2 * spread),
        "averted_mean": averted,
        "averted_lower": averted - half,
        "averted_upper": averted + half,
    }
    coords = {"time": time}
    return xr.Dataset(
        {k: ("time", v) for k, v in data.items()} | {"used": ("time", used), "post": ("time", post)},
        coords=coords,
        attrs={"first_start": time[start]},
    )


def indicator_finding(rating: str, role: str, design: str, normal: bool, rng: np.random.Generator) -> dict[str, Any]:
    """One object of finding.json; a failed one has no numbers."""
    found: dict[str, Any] = {
        "role": role,
        "design": design,
        "likelihood": "normal" if normal else "negative_binomial",
        "n_areas": 12,
        "n_treated": 2,
        "n_periods": 60,
        "interval": 0.95,
        "rating": rating,
    }
    if rating == "failed":
        return found | {
            "headline": "The computation did not converge, so no estimate is shown.",
            "phrase": None,
            "confidence": "low",
            "rate_ratio": None,
            "percent_change": None,
            "events_averted": None,
            "by_event_time": [],
            "prob_benefit": None,
            "prob_meaningful": None,
            "caveats": [],
            "diagnostics": {},
            "checks": [],
        }
    ratio, spread = TRUE_RATIO[rating], SPREAD[rating]
    rr = summary(ratio, ratio * np.exp(-2 * spread), ratio * np.exp(2 * spread))
    percent = {k: 100 * (v - 1) for k, v in rr.items()}
    checks = [
        {"name": "placebo_in_time", "passed": True, "sentence": "A start that never was shows no effect."},
        {
            "name": "pre_trend",
            "passed": None,
            "sentence": "The check could not have seen a trend worth worrying about.",
        },
        {"name": "leave_one_area_out", "passed": False, "sentence": "Without T01 the effect halves."},
    ]
    found |= {
        "phrase": PHRASE[rating],
        "confidence": {"benefit": "moderate", "harm": "high"}.get(rating, "low"),
        "prob_benefit": float(min(0.999, max(0.001, 0.5 + (1 - ratio) / spread / 8))),
        "prob_meaningful": 0.4,
        "headline": f"Recorded events were about {abs(percent['median']):.0f}% {'lower' if ratio < 1 else 'higher'} than expected.",
        "caveats": ["Only two areas were treated."],
        "checks": checks,
        "diagnostics": {"rhat_max": 1.004, "ess_bulk_min": 812.0, "ess_tail_min": 640.0, "divergences": 0},
    }
    if normal:
        found["difference"] = summary(1.8, 0.2, 3.4)
        found["by_event_time"] = [{"event_time": t, "difference": summary(1.5 + 0.05 * t, 0.0, 3.5)} for t in range(12)]
        return found
    found |= {
        "rate_ratio": rr,
        "percent_change": percent,
        "events_averted": summary(2400 * (1 - ratio), 2400 * (1 - rr["upper"]), 2400 * (1 - rr["lower"])),
        "by_event_time": [
            {"event_time": t, "rate_ratio": {k: v * bump for k, v in rr.items()}}
            for t, bump in enumerate(np.exp(rng.normal(0, 0.03, 18)).tolist())
        ],
    }
    return found


def evaluation(
    folder: Path,
    rating: str = "benefit",
    design: str = "did",
    hostile: bool = False,
    profile: str = "publish",
    primary: str = "assault",
    plan_id: str | None = None,
    level: float = 100.0,
    shape: str = "step",
) -> SimpleNamespace:
    """A whole fabricated Evaluation."""
    rng = np.random.default_rng(list(f"{rating}{design}{hostile}".encode()))
    whole = review(folder)
    title = HOSTILE if hostile else f"Evening outreach, {rating.replace('_', ' ')}"
    primary = "hostile" if hostile else primary
    the_plan = plan(
        plan_id or f"scheme_{rating}_{design}",
        title,
        design,
        primary,
        ["vehicle_crime", "safety_score"],
        shape,
    )
    roles = {primary: "primary", "vehicle_crime": "secondary", "safety_score": "secondary"}
    indicators, panels, all_series = {}, {}, {}
    failed: dict[str, str] = {}
    for key, role in roles.items():
        normal = whole.indicators[key].likelihood == "normal"
        its = rating if role == "primary" else "unclear"
        indicators[key] = indicator_finding(its, role, design, normal, rng)
        if its == "failed":
            failed[key] = "R-hat was 1.08 after two attempts"
            continue
        lines = series(rng, TRUE_RATIO[its], SPREAD[its], 6.0 if normal else level)
        if normal:
            lines = lines.drop_vars(["averted_mean", "averted_lower", "averted_upper"])
        all_series[key] = lines
        panels[key] = panel(lines)
    effects = pd.DataFrame(
        [
            {
                "plan": the_plan.id,
                "indicator": k,
                "estimand": "rate_ratio",
                "cohort": "",
                "event_time": np.nan,
                "period": "",
                **f["rate_ratio"],
                "prob_benefit": f["prob_benefit"],
            }
            for k, f in indicators.items()
            if f.get("rate_ratio")
        ]
        + [
            {
                "plan": the_plan.id,
                "indicator": primary,
                "estimand": "by_cohort",
                "cohort": c,
                "event_time": np.nan,
                "period": "",
                **summary(0.8 + 0.1 * i, 0.7, 1.0),
                "prob_benefit": 0.9,
            }
            for i, c in enumerate(("2023-04", "2023-10"))
        ]
    )
    checks = pd.DataFrame(
        [
            {
                "plan": the_plan.id,
                "indicator": k,
                "name": c["name"],
                "passed": c["passed"],
                "sentence": c["sentence"],
            }
            for k, f in indicators.items()
            for c in f["checks"]
        ]
    )
    finding = {
        "plan": the_plan.id,
        "profile": profile,
        "indicators": indicators,
        "decision": {
            "recommended": "continue",
            "source": "rule",
            "because": "benefit with moderate confidence",
        },
        "economics": {
            "total_cost": 150000.0,
            "cost_per_event_averted": summary(347.0, 250.0, 620.0) if rating == "benefit" else None,
            "sentence": "Each event averted cost about £350.",
        },
    }
    run = {
        "key": f"{the_plan.id}-key",
        "commit": "0" * 12,
        "versions": {"pymc": "6.4", "svd-evaluation": "0.1.0"},
        "seed": 2025,
        "profile": profile,
        "seconds": 12.0,
        "inputs": {"data/assault.csv": "ab" * 32},
    }
    return SimpleNamespace(
        review=whole,
        plan=the_plan,
        profile=profile,
        finding=finding,
        run=run,
        panels=panels,
        series=all_series,
        effects=effects,
        checks=checks,
        failed=failed,
    )


def panel(lines: xr.Dataset) -> xr.Dataset:
    """Two areas that share the series, with a suppressed and a missing cell."""
    value = np.stack([lines["observed"].values, lines["observed"].values])
    low, high = value.copy(), value.copy()
    low[0, 3], high[0, 3], value[0, 3] = 1, 7, np.nan
    return xr.Dataset(
        {
            "value": (("area", "time"), value),
            "low": (("area", "time"), low),
            "high": (("area", "time"), high),
        },
        coords={"area": ["T01", "T04"], "time": lines["time"].values},
        attrs={"frequency": "month"},
    )


def report(whole: SimpleNamespace, output: Path) -> Path:
    """An accepted report of a fabricated evaluation, as papermill would leave it, made without a kernel."""
    import nbformat

    from evaluation import resources
    from evaluation.publication import annex, chapter
    from evaluation.publication.display import SENTINEL, to_outputs
    from evaluation.publication.evaluated import run_key

    notebook = nbformat.read(resources.folder("reports") / f"{whole.plan.design}.ipynb", as_version=4)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for room, name in re.findall(r"show\((chapter|annex)\.(\w+)\(result\)\)", cell.source):
            for block in getattr({"chapter": chapter, "annex": annex}[room], name)(whole):
                cell.outputs += [
                    nbformat.v4.new_output("display_data", data=data, metadata={"svd": mark})
                    for data, mark in to_outputs(block)
                ]
        if "seal(" in cell.source:
            data = {SENTINEL: {"key": run_key(whole)}, "text/plain": "End of the report."}
            cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output)
    return output


def stored_review(
    folder: Path, kinds: list[tuple[str, str, bool]], profile: str = "publish", level: float = 100.0
) -> Path:
    """A review folder with YAML files and a fabricated packet for each (rating, design, hostile), counts around `level`."""
    from evaluation.publication.packet import write_packet

    settings = {
        "title": "Annual strategy review",
        "partnership": "Fabricated Partnership",
        "year": "2024-25",
        "simulated": True,
        "contact": "svd@partnership.example",
        "authorities": ["Fabricated Police"],
        "signed_off": {"by": "A. Fabricated", "role": "chair", "on": "2026-06-01"},
    }
    areas = {f"T{n:02d}": {"name": f"Town {n}", "population": 50000} for n in range(1, 13)}
    indicators = {
        k: {"title": "Hostile" if k == "hostile" else i.title, "likelihood": i.likelihood, "disclosure": i.disclosure}
        for k, i in review(folder).indicators.items()
    }
    for name, data in (("review", settings), ("areas", {"areas": areas}), ("indicators", indicators)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    (folder / "plans").mkdir()
    (folder / "data").mkdir()
    for rating, design, hostile in kinds:
        whole = evaluation(
            folder,
            rating,
            design,
            hostile,
            profile,
            plan_id=f"scheme_{rating}_{design}{'_hostile' * hostile}",
            level=level,
        )
        plan_file = folder / "plans" / f"{whole.plan.id}.yaml"
        visible = "".join(c for c in whole.plan.title if unicodedata.category(c) != "Cf")
        data = {
            "id": whole.plan.id,
            "title": visible,
            "question": "Did it work?",
            "design": design,
            "indicators": {"primary": "assault"},
            "treated": {"T01": "2023-04"},
            "period": {"start": "2019-04", "end": "2025-03"},
        }
        if design == "did":
            data["comparison"] = {"areas": "all"}
        plan_file.write_text(yaml.safe_dump(data), encoding="utf-8")
        whole.review.plan_files[whole.plan.id] = plan_file
        notebook = report(whole, folder / "_build" / f"{whole.plan.id}.ipynb")
        write_packet(folder, whole, notebook, None)
    return folder
