"""A packet: one immutable folder per run, complete from the moment it can be seen."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from evaluation.publication.evaluated import Evaluated, as_json, labels_of, run_key

REQUIRED = ("plan.yaml", "finding.json", "effects.csv", "checks.csv", "run.json")
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
_SAFE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,80}$")


@dataclass(frozen=True)
class Packet:
    """A packet as read back. `run["labels"]` holds the titles, units and disclosure profiles of the time of the run."""

    path: Path
    plan: dict[str, Any]
    finding: dict[str, Any]
    run: dict[str, Any]
    effects: pd.DataFrame
    checks: pd.DataFrame
    notebook: Path | None

    @property
    def plan_id(self) -> str:
        """The id of the plan."""
        return str(self.finding["plan"])

    @property
    def title(self) -> str:
        """The title of the intervention."""
        return str(self.plan.get("title") or self.plan_id)

    @property
    def draft(self) -> bool:
        """True unless the run was made to be published."""
        return self.finding.get("profile") != "publish" or self.run.get("profile", "publish") != "publish"

    @property
    def primary(self) -> str:
        """The key of the primary indicator."""
        for key, found in self.finding["indicators"].items():
            if found.get("role") == "primary":
                return str(key)
        return str(next(iter(self.finding["indicators"])))

    def label(self, key: str) -> dict[str, Any]:
        """Title, unit, direction and disclosure profile of an indicator; controlled unless known to be public."""
        known: dict[str, Any] = self.run.get("labels", {}).get("indicators", {}).get(key, {})
        return {
            "title": key,
            "unit": "events",
            "direction": "lower_is_better",
            "disclosure": "partner",
        } | known


def write_packet(folder: Path, evaluation: Evaluated, notebook: Path | None, posterior: xr.Dataset | None) -> Path:
    """Store one run and return its folder.

    The packet is written beside its place and then moved there in one step: a packet that can be seen is complete.

    Args:
        folder: the review folder.
        evaluation: the run.
        notebook: the accepted report, copied in as `report.ipynb`.
        posterior: draws for the evaluator; never published.

    Raises:
        ValueError: the plan's id cannot be a folder name.
    """
    plan_id = evaluation.plan.id
    if not _SAFE_ID.match(plan_id):
        raise ValueError(f"'{plan_id}' cannot be a folder name: use letters, digits, - and _.")
    key = run_key(evaluation)
    shelf = Path(folder) / "_build" / "packets" / plan_id
    shelf.mkdir(parents=True, exist_ok=True)
    short = hashlib.sha256(key.encode()).hexdigest()[:8]
    place: Path = shelf / f"{next_moment(Path(folder), plan_id):{_STAMP}}-{short}"
    scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=shelf))
    try:
        _write_plan(scratch / "plan.yaml", evaluation)
        _write_json(scratch / "finding.json", evaluation.finding)
        evaluation.effects.to_csv(scratch / "effects.csv", index=False)
        _checks_text(evaluation.checks).to_csv(scratch / "checks.csv", index=False)
        _write_json(scratch / "run.json", {**evaluation.run, "key": key, "labels": labels_of(evaluation)})
        if notebook is not None:
            shutil.copyfile(notebook, scratch / "report.ipynb")
        if posterior is not None:
            # By way of memory: the library crashes when it closes a file that a full disk has cut off.
            content = BytesIO()
            posterior.to_netcdf(content, engine="h5netcdf")
            (scratch / "posterior.nc").write_bytes(content.getvalue())
        scratch.chmod(0o755)
        os.replace(scratch, place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return place


def next_moment(folder: Path, plan_id: str) -> datetime:
    """The time to write on a plan's next packet or failure: now, but always later than on its packets so far.

    The newest packet is found by name. A clock that was set back must not make an old result the newest one.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    shelf = folder / "_build" / "packets" / plan_id
    stamps = [p.name.partition("-")[0] for p in shelf.iterdir() if _NAME.match(p.name)] if shelf.is_dir() else []
    newest = max((_moment(stamp) for stamp in stamps), default=None)
    return now if newest is None else max(now, newest + timedelta(seconds=1))


def _moment(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:  # fourteen figures that are no date
        return datetime.min.replace(tzinfo=UTC)


def read_packet(path: Path) -> Packet:
    """Read a stored packet.

    Raises:
        FileNotFoundError: a file is missing.
    """
    import yaml

    path = Path(path)
    missing = [name for name in REQUIRED if not (path / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{path} is not a complete packet: {', '.join(missing)} is missing.")
    run = json.loads((path / "run.json").read_text(encoding="utf-8"))
    # BaseLoader keeps every scalar as text: area codes and periods must not become numbers or dates.
    source = yaml.load((path / "plan.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    plan = {**(source if isinstance(source, dict) else {}), **run.get("labels", {}).get("plan", {})}
    report = path / "report.ipynb"
    return Packet(
        path=path,
        plan=plan,
        finding=json.loads((path / "finding.json").read_text(encoding="utf-8")),
        run=run,
        effects=_read_csv(path / "effects.csv"),
        checks=_read_csv(path / "checks.csv"),
        notebook=report if report.is_file() else None,
    )


def latest_packets(review_folder: Path, profile: str | None = None) -> dict[str, Path]:
    """Return the newest complete packet of each plan, in order of plan id.

    Args:
        review_folder: the review.
        profile: only packets of this profile ("publish"); of any profile if None.
    """
    found: dict[str, Path] = {}
    for plan, places in stored_packets(review_folder).items():
        for place in reversed(places):
            if all((place / name).is_file() for name in REQUIRED) and (profile is None or _profile(place) == profile):
                found[plan] = place
                break
    return found


def stored_packets(review_folder: Path) -> dict[str, list[Path]]:
    """Every packet of each plan, complete or not, oldest first."""
    shelf = Path(review_folder) / "_build" / "packets"
    return {
        plan.name: sorted(place for place in plan.iterdir() if _NAME.match(place.name))
        for plan in sorted(p for p in shelf.glob("*") if p.is_dir())
    }


def _profile(place: Path) -> str:
    return str(json.loads((place / "finding.json").read_text(encoding="utf-8")).get("profile", ""))


def _write_plan(path: Path, evaluation: Evaluated) -> None:
    source = evaluation.review.plan_files.get(evaluation.plan.id)
    if source is not None and Path(source).is_file():
        shutil.copyfile(source, path)
        return
    import yaml

    plan = evaluation.plan
    data = (
        plan.model_dump(mode="json", by_alias=True, exclude_none=True)
        if hasattr(plan, "model_dump")
        else labels_of(evaluation)["plan"]
    )
    path.write_text(
        yaml.safe_dump(as_json({"id": plan.id, **data}), sort_keys=False, allow_unicode=True),
        encoding="utf-8",
    )


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(as_json(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _checks_text(checks: pd.DataFrame) -> pd.DataFrame:
    """Write `passed` as true, false or blank, whatever type it came in."""
    table = checks.copy()
    if "passed" in table:
        words = {True: "true", False: "false"}
        table["passed"] = ["" if v is None or pd.isna(v) else words[bool(v)] for v in table["passed"].tolist()]
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"cohort": str, "period": str, "passed": str}, keep_default_na=True)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
