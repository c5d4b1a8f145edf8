"""One edition of the annual review: what is stored, what failed, what may be shown. Reads packets, never data."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.errors import InputError
from evaluation.protocol.loading import find_previous, load_review
from evaluation.publication.packet import Packet, latest_packets, next_moment, read_packet
from evaluation.writing import write_whole


@dataclass(frozen=True)
class Failure:
    """A plan that could not be evaluated (`_build/failures/<plan-id>.json`)."""

    plan: str
    title: str
    reason: str
    when: str


@dataclass(frozen=True)
class Edition:
    """What the book of one review is made from.

    Attributes:
        folder: the review.
        settings: of review.yaml.
        titles: plan id -> title, in the order of the plans.
        packets: plan id -> the packet that is shown.
        failures: plan id -> why there is none.
        drafts: plan ids that have only a draft, which is not shown.
        waiting: plan ids that were never run.
        changed: plan ids whose plan file is no longer the one that was run.
        allow_draft: drafts are shown, and the book says so on every page.
        audience: "internal" for the partnership, "public" for everybody (without the evaluator's status page).
    """

    folder: Path
    settings: Any
    titles: dict[str, str]
    packets: dict[str, Packet]
    failures: dict[str, Failure] = field(default_factory=dict)
    drafts: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    allow_draft: bool = False
    audience: str = "internal"

    @property
    def holds_draft(self) -> bool:
        """True if anything shown is a draft."""
        return any(p.draft for p in self.packets.values())


def open_edition(folder: Path | str, drafts: str = "leave out", audience: str = "internal") -> Edition:
    """Read what is stored for a review.

    A failure that is newer than the newest packet counts: an old estimate is not shown for a plan that fails today. A
    packet of a plan that is no longer in the review is left out.

    Args:
        folder: the review.
        drafts: "leave out" or "show". If drafts are shown, the newest run counts, whatever its profile.
        audience: "internal" or "public".

    Raises:
        InputError: the review's YAML files have faults, or the archive of last year's review is not there.
        ValueError: `drafts` is neither.
    """
    if drafts not in ("leave out", "show"):
        raise ValueError(f"drafts must be 'leave out' or 'show', not '{drafts}'")
    folder = Path(folder).resolve()
    review = load_review(folder)
    if problems := find_previous(review):
        raise InputError(problems)
    allow = drafts == "show"
    shown = latest_packets(folder, None if allow else "publish")
    stored = latest_packets(folder)
    failures = read_failures(folder)
    titles = {key: plan.title for key, plan in review.plans.items()}
    edition = Edition(folder, review.settings, titles, {}, allow_draft=allow, audience=audience)
    for plan_id in review.plans:
        place = shown.get(plan_id)
        failure = failures.get(plan_id)
        if failure is not None and (place is None or _moment(failure.when) >= _moment(place.name[:16])):
            edition.failures[plan_id] = failure
        elif place is not None:
            packet = read_packet(place)
            if packet.draft and not allow:
                edition.drafts.append(plan_id)
                continue
            edition.packets[plan_id] = packet
            source = review.plan_files.get(plan_id)
            if source is not None and source.is_file() and source.read_bytes() != (place / "plan.yaml").read_bytes():
                edition.changed.append(plan_id)
        elif plan_id in stored:
            edition.drafts.append(plan_id)
        else:
            edition.waiting.append(plan_id)
    return edition


STANDING = {"monitoring": "Monitoring", "needs_assessment": "Strategic needs assessment"}


def chapter_path(folder: Path, name: str) -> Path:
    """Where the accepted notebook of a standing chapter (one of `STANDING`) is kept."""
    return Path(folder) / "_build" / "chapters" / f"{name}.ipynb"


def write_failure(folder: Path, plan_id: str, title: str, reason: str) -> Path:
    """Record that a plan could not be evaluated, so that the book can say so."""
    path = Path(folder) / "_build" / "failures" / f"{plan_id}.json"
    record = {
        "plan": plan_id,
        "title": title,
        "reason": reason,
        "when": f"{next_moment(Path(folder), plan_id):%Y-%m-%dT%H:%M:%SZ}",
    }
    return write_whole(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def read_failures(folder: Path) -> dict[str, Failure]:
    """Read the failures recorded for a review, by plan id."""
    found = {}
    for path in sorted((Path(folder) / "_build" / "failures").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        when = str(data.get("when", ""))
        if len(when) <= len("2025-01-31"):  # only a day: the file knows the hour
            when = f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%dT%H:%M:%SZ}"
        found[path.stem] = Failure(
            path.stem,
            str(data.get("title", path.stem)),
            str(data.get("reason", "")),
            when,
        )
    return found


def _moment(text: str) -> datetime:
    """A time stamp of a failure or of a packet's name; the distant past if it cannot be read."""
    for pattern in ("%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
