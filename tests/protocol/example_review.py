"""A small valid review on disk, to be spoilt one change at a time.

write_review(tmp_path)
write_review(tmp_path, outreach={"treated": {"T99": "2023-01"}})          # part of a plan, merged into it
write_review(tmp_path, review={"interval": 95}, areas={"areas": {"T01": None}})   # None takes an entry out
write_review(tmp_path, data={"assaults.csv": "area,period,count\\n"})          # a file as text or bytes
write_review(tmp_path, raw={"plans/second.yaml": "id: ["})                     # any file, exactly
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

REVIEW: dict[str, Any] = {
    "title": "Annual strategy review",
    "partnership": "Testshire Violence Reduction Partnership",
    "year": "2023-24",
}
AREAS: dict[str, Any] = {
    "areas": {f"T{i:02d}": {"name": f"Town {i}", "population": 10_000 * i} for i in range(1, 7)},
    "groups": {"similar_centres": {"areas": ["T03", "T04", "T05"], "because": "similar night-time economies"}},
}
INDICATORS: dict[str, Any] = {
    "assaults": {"title": "Recorded assaults", "unit": "assaults", "suppressed": {"*": [1, 7]}},
    "admissions": {"title": "Hospital admissions for assault", "unit": "admissions"},
}
OUTREACH: dict[str, Any] = {
    "id": "outreach",
    "title": "Evening outreach in two town centres",
    "question": "Did outreach reduce recorded assaults in the centres that had it?",
    "design": "did",
    "indicators": {"primary": "assaults", "secondary": ["admissions"]},
    "treated": {"T01": "2023-01", "T02": "2023-04"},
    "comparison": {"areas": "similar_centres"},
    "period": {"start": "2021-01", "end": "2023-12"},
}
MONTHS = [f"{year}-{month:02d}" for year in (2021, 2022, 2023) for month in range(1, 13)]


def count(area: int, month: int) -> int:
    """A count that is never the same for long: 10 to about 60."""
    return 10 + 7 * area + (5 * month + 3 * area) % 11


def tidy_csv(areas: int = 6, months: list[str] | None = None, extra: str = "") -> str:
    """Complete data as text; `extra` is added as it is."""
    rows = [
        f"T{a:02d},{period},{count(a, t)}" for a in range(1, areas + 1) for t, period in enumerate(months or MONTHS)
    ]
    return "\n".join(["area,period,count", *rows]) + "\n" + extra


def write_review(folder: Path, **changes: Any) -> Path:
    """Write the review into `folder` (made if need be) with changes.

    Args:
        folder: where to write.
        **changes: `review`, `areas`, `indicators`, `outreach` (mappings merged into the defaults, None deletes; or text
            for the whole file), `plans` (further plans by id), `data` (files in data/: text, bytes, None for absent),
            `raw` (any file by its path in the review: text, bytes, None for absent).

    Returns:
        The folder.
    """
    for part in ("plans", "data"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    _write(folder / "review.yaml", _merged(REVIEW, changes.pop("review", {})))
    _write(folder / "areas.yaml", _merged(AREAS, changes.pop("areas", {})))
    _write(folder / "indicators.yaml", _merged(INDICATORS, changes.pop("indicators", {})))
    _write(folder / "plans" / "outreach.yaml", _merged(OUTREACH, changes.pop("outreach", {})))
    for name, plan in changes.pop("plans", {}).items():
        _write(folder / "plans" / f"{name}.yaml", plan)
    data: dict[str, Any] = {"assaults.csv": tidy_csv(), "admissions.csv": tidy_csv()} | changes.pop("data", {})
    raw = {f"data/{name}": content for name, content in data.items()} | changes.pop("raw", {})
    for name, content in raw.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            _write(folder / name, content)
    assert not changes, f"unknown changes: {sorted(changes)}"
    return folder


def plan_like_outreach(**changes: Any) -> dict[str, Any]:
    """A further plan: the one of the example with changes."""
    merged: dict[str, Any] = _merged(OUTREACH, changes)
    return merged


def _merged(base: Any, change: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    out = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8", newline="")
    else:
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
