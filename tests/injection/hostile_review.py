"""A small review in which every text that a person writes is a payload: YAML, data and tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tests.injection.payloads import SECRET, payload, short
from tests.protocol.example_review import MONTHS
from tests.protocol.example_review import count as made_up

NUMBERS = count(1)
# An area's code, a group, a marker and the name of a prior work are names too, and free.
CODES = {n: short(9000 + n) for n in range(1, 7)}
GROUP, MARKER = short(9008), short(9009)


def t() -> str:
    """The next text."""
    return payload(next(NUMBERS))


def review() -> dict[str, Any]:
    """`review.yaml`."""
    return {
        "title": t(), "partnership": t(), "year": "2023-24", "simulated": True, "contact": t(), "authors": [t(), t()],
        "summary": t(), "authorities": [t()], "budget": {"total": 1_000_000},
        "quality_assurance": [{"task": t(), "done_by": t(), "checked_by": t(), "on": t(), "remains": t()}],
        "signed_off": {"by": t(), "role": t(), "on": t()},
        "cleared_phrases": [t()],
        "corrections": [{"on": "2024-05-01", "was": t(), "now": t(), "where": t()}],
        "withdrawn": {"left": {"title": t(), "on": "2024-05-02", "because": t()}},
        "duty": {
            "definition": {"text": t(), "source": t(), "includes": [t()], "ages": t(), "indicators": ["assaults"], "gaps": [t()]},
            "authorities": [{"name": t(), "kind": "police", "part": t()}],
            "governance": [{"name": t(), "does": t(), "accountable_to": t(), "meets": t()}],
            "documents": [{"title": t(), "status": "published", "date": t(), "where": t(), "note": t()}],
            "principles": [t()],
            "cycle": {"due": {"publication": "2024-03-31"}, "done": {"publication": {"on": "2024-03-01", "note": t()}}},
            "imports": [{"indicator": "assaults", "publisher": t(), "take": t(), "steps": [t()], "cautions": [t()]}],
            "notes": [t()],
        },
    }  # fmt: skip


def areas() -> dict[str, Any]:
    """`areas.yaml`."""
    return {
        "areas": {
            code: {"name": t(), "population": 10_000 * n, "neighbours": [CODES[n % 6 + 1]]} for n, code in CODES.items()
        },
        "groups": {GROUP: {"areas": [CODES[n] for n in (3, 4, 5)], "because": t()}},
    }


def indicators() -> dict[str, Any]:
    """`indicators.yaml`."""
    window = {"from": "2021-02", "to": "2021-02", "areas": [CODES[5]], "because": t()}
    return {
        "assaults": {
            "title": t(), "unit": t(), "definition": t(), "source": t(), "licence": t(), "disclosure": "health",
            "suppressed": {MARKER: [1, 7]}, "harm": t(), "recorded_by": "police", "local_definition": "ours",
            "unit_cost": {"value": 1000, "price_year": "2020-21", "source": t(), "confidence": t()},
            "severity": {"weight": 3, "scale": t(), "source": t()}, "harm_weight": {"value": 3, "unit": t(), "source": t()},
            "breaks": [{"from": "2021-06", "because": t()}], "unusable": [window], "genuine": [{**window, "from": "2021-03", "to": "2021-03", "because": t()}],
            "monitoring": {"target": 20, "target_because": t(), "provisional": 1, "rebase": [{"from": "2022-01", "because": t(), "areas": [CODES[1]]}],
                           "exclude": [{"from": "2021-04", "to": "2021-04", "because": t()}]},
        },
        "referrals": {"title": t(), "unit": t(), "likelihood": "poisson", "disclosure": "already_public", "licence": t(),
                      "unit_cost": {"offence": "theirs"}, "monitoring": {"kind": "delivery", "target": 10, "target_because": t()}},
    }  # fmt: skip


def plan(plan_id: str, design: str) -> dict[str, Any]:
    """A plan."""
    shared: dict[str, Any] = {
        "id": plan_id, "title": t(), "question": t(), "theory_of_change": t(), "moderators": t(), "implementation": t(), "kind": t(),
        "design": design, "indicators": {"primary": "assaults", "secondary": ["referrals"]},
        "treated": {CODES[1]: "2023-01", CODES[6]: "2023-04"},
        "period": {"start": "2021-01", "end": "2023-12", "exclude": [{"from": "2021-05", "to": "2021-05", "because": t()}]},
        "priors": {"effect": {"normal": [0, 0.25], "because": t()}},
        "costs": {"total": 150_000, "price_year": "2020-21", "source": t(), "basis": "estimate", "optimism_bias": {"share": 0.1, "because": t()}},
        "delivery": {"planned": 400, "delivered": 352, "unit": t(), "by_area": {CODES[1]: 200, CODES[6]: 152}},
        "assumptions": [{"says": t(), "quality": "red", "impact": "red", "source": t()}],
        "decision": {"recommended": "continue", "because": t()},
    }  # fmt: skip
    if design == "did":
        shared["comparison"] = {"areas": GROUP, "exclude": {CODES[5]: {"because": t()}}}
        shared["displacement"] = {"buffer": [CODES[2]], "comparison": [CODES[4]], "because": t()}
    return shared


def definitions() -> dict[str, Any]:
    """`definitions.yaml`."""
    element = {"what": t(), "codes": ["1"], "needs": t()}
    return {
        "ours": {
            "title": t(),
            "source": {"document": t(), "address": t()},
            "words": t(),
            "includes": [element],
            "note": t(),
        }
    }


def tables() -> Iterator[tuple[str, list[list[Any]]]]:
    """The CSV files, by name."""
    for key in ("assaults", "referrals"):
        rows = [[code, period, made_up(n, month)] for n, code in CODES.items() for month, period in enumerate(MONTHS)]
        if key == "assaults":
            rows[7][2] = MARKER
        yield f"data/{key}.csv", [["area", "period", "count"], *rows]
    shock = ["ours", "2022-03-01", "2022-04-30", "record_system", "england", "no", t(), t(), t(), "2024-01-01", "yes"]
    columns = ["id", "start", "end", "kind", "scope", "closed", "title", "note", "source", "checked", "verified"]
    yield "shocks.csv", [columns, shock]
    yield (
        "needs/profile.csv",
        [
            ["indicator", "dimension", "group", "count", "population"],
            ["assaults", short(9010), short(9011), 80, 5000],
            ["assaults", short(9010), short(9012), 40, 5100],
        ],
    )
    yield "needs/context.csv", [["area", short(9013)], *([code, n] for n, code in CODES.items())]
    offence = ["theirs", t(), 1000, "2020-21", t(), t(), 300, "", 200, "", t()]
    names = ["offence", "title", "value", "price_year", "quality", "source", "police", "health", "justice", "victims", "parts_quality"]  # fmt: skip
    yield "unit_costs.csv", [names, offence]


def write(folder: Path) -> Path:
    """Write the review, beside a file that no page may include."""
    (folder / "plans").mkdir(parents=True)
    files = {
        "review.yaml": review(), "areas.yaml": areas(), "indicators.yaml": indicators(), "definitions.yaml": definitions(),
        "plans/before_after.yaml": plan("before_after", "its"), "plans/compared.yaml": plan("compared", "did"),
    }  # fmt: skip
    for name, content in files.items():
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name, rows in tables():
        (folder / name).parent.mkdir(exist_ok=True)
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(rows)
        (folder / name).write_text(stream.getvalue(), encoding="utf-8")
    for place in (folder, folder.parent):
        (place / f"{SECRET}.txt").write_text(SECRET, encoding="utf-8")
    return folder
