"""The status page for the evaluator: every packet with its diagnostics, versions and times, and what failed.

It stands in the internal edition only: it names versions, commits and folders that concern nobody else.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from evaluation.publication import numbers as say
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.edition import Edition
from evaluation.publication.packet import Packet, read_packet, stored_packets
from evaluation.publication.tables import rows_table

TITLE = "Status of the evaluation"


def status_blocks(edition: Edition) -> list[Block]:
    """State of each plan, diagnostics of each fit, the software of each run, every stored packet, and the failures."""
    packets, broken = _read(edition)
    newest = {p.plan_id: p for p in packets}
    blocks: list[Block] = [paragraph(_summary(edition), "svd-lead"), _plans(edition)]
    if edition.failures or broken:
        lines = [f"{f.title}: {f.reason} ({f.when})" for f in edition.failures.values()]
        blocks += [paragraph("Failures:"), bullets([*lines, *broken])]
    if newest:
        blocks += [_diagnostics(list(newest.values())), _software(list(newest.values())), _stored(packets, edition)]
    return blocks


def _read(edition: Edition) -> tuple[list[Packet], list[str]]:
    """Every packet of the review's plans, oldest first, and those that cannot be read."""
    packets, broken = [], []
    shown = {packet.path: packet for packet in edition.packets.values()}
    for plan, places in stored_packets(edition.folder).items():
        for place in places:
            try:
                packets.append(shown.get(place) or read_packet(place))
            except (OSError, ValueError, KeyError) as error:
                broken.append(f"{plan}, {place.name}: the packet cannot be read ({type(error).__name__}).")
    return packets, broken


def _summary(edition: Edition) -> str:
    parts = {
        "shown": len(edition.packets), "failed": len(edition.failures), "with a draft only": len(edition.drafts),
        "never run": len(edition.waiting), "changed since it was run": len(edition.changed),
    }  # fmt: skip
    said = ", ".join(f"{n} {words}" for words, n in parts.items() if n or words in ("shown", "failed"))
    return f"{len(edition.titles)} plans: {said}."


def _plans(edition: Edition) -> Table:
    rows = []
    for plan, title in edition.titles.items():
        packet = edition.packets.get(plan)
        state = _state(edition, plan)
        if packet is None:
            rows.append((title, state, "none", "none", "none", "none"))
            continue
        seconds = packet.run.get("seconds")
        spent = sum(seconds.values()) if isinstance(seconds, dict) else float(seconds or 0)
        rows.append(
            (title, state, packet.run.get("profile", "publish"), _when(packet), _duration(spent), str(packet.run.get("seed", "")))
        )  # fmt: skip
    columns = ["Plan", "State", "Profile", "Run at (UTC)", "Computed for", "Seed"]
    return Table(rows_table(rows, columns), "Plans and their runs", kind="svd-wide")


def _state(edition: Edition, plan: str) -> str:
    if plan in edition.failures:
        return "failed"
    if plan in edition.packets:
        return "shown, but the plan was changed since" if plan in edition.changed else "shown"
    return "only a draft was run" if plan in edition.drafts else "never run"


def _diagnostics(packets: list[Packet]) -> Table:
    rows = []
    for packet in packets:
        for key, entry in packet.finding["indicators"].items():
            found = entry.get("diagnostics") or {}
            checks = Counter(c["passed"] for c in entry.get("checks") or [])
            seconds = packet.run.get("seconds")
            spent = seconds.get(key) if isinstance(seconds, dict) else None
            rows.append(
                (
                    packet.title, packet.label(key)["title"], entry["rating"].replace("_", " "),
                    _number(found.get("rhat_max"), 4), _number(found.get("ess_bulk_min"), 0), _number(found.get("ess_tail_min"), 0),
                    _number(found.get("divergences"), 0), f"{checks[True]}, {checks[False]}, {checks[None]}",
                    "from the store" if not spent else _duration(spent),
                )
            )  # fmt: skip
    columns = ["Plan", "Indicator", "Rating", "Largest R-hat", "Smallest bulk ESS", "Smallest tail ESS", "Divergences",
               "Checks passed, failed, undecided", "Computed for"]  # fmt: skip
    return Table(rows_table(rows, columns), "Diagnostics of the newest run of each plan", kind="svd-wide")


def _software(packets: list[Packet]) -> Table:
    """Who made what: runs under the same software stand in one row."""
    made: dict[str, list[str]] = {}
    for packet in packets:
        versions = ", ".join(f"{name} {number}" for name, number in sorted(packet.run.get("versions", {}).items()))
        key = json.dumps([versions, str(packet.run.get("commit") or "not from a checkout")[:12]])
        made.setdefault(key, []).append(packet.title)
    rows = [("; ".join(titles), *reversed(json.loads(key))) for key, titles in made.items()]
    return Table(rows_table(rows, ["Plans", "Commit", "Versions"]), "Software of the newest runs", kind="svd-wide")


def _stored(packets: list[Packet], edition: Edition) -> Table:
    shown = {packet.path for packet in edition.packets.values()}
    rows = [
        (packet.path.name, packet.title, "draft" if packet.draft else "publish", _when(packet), "yes" if packet.path in shown else "no",
         "yes" if packet.notebook else "missing", str(packet.run.get("key", ""))[:12])
        for packet in sorted(packets, key=lambda p: p.path.name, reverse=True)
    ]  # fmt: skip
    columns = ["Packet", "Plan", "Profile", "Stored at (UTC)", "Shown in this book", "Report", "Run key"]
    return Table(rows_table(rows, columns), "Every stored packet, newest first", kind="svd-wide")


def _when(packet: Packet) -> str:
    moment = datetime.strptime(packet.path.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%d %H:%M}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return str(timedelta(seconds=round(seconds)))


def _number(value: Any, places: int) -> str:
    return f"{value:,.{places}f}" if say.known(value) else "none"
