"""The pages around the chapters: how to read, data, methods, the statutory checklist, downloads, accessibility."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.judgement.prices import read_prices
from evaluation.publication import (
    accessibility,
    calibration,
    feasibility,
    monitoring,
    portfolio,
    portfolio_study,
    rules,
)
from evaluation.publication import duty as duty_pages
from evaluation.publication import numbers as say
from evaluation.publication.annual import edition_key, findings_table
from evaluation.publication.calendar_map import COMPLETE_LETTER, calendar_map
from evaluation.publication.disclosure import SHORTHAND, Safe, csv_text, escape, escape_markdown
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.downloads import downloads_page
from evaluation.publication.edition import Edition, Failure
from evaluation.publication.packet import Packet
from evaluation.publication.pdf import BOARD, ONE_PAGE
from evaluation.publication.staging import Stage, StagingError, raw_html, stage_blocks
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import rating_badge

DOCUMENTS = (
    (BOARD, "The review for a board: cover, the strategy on one page, a chapter for each intervention"),
    (ONE_PAGE, "The strategy on one A4 page"),
)
_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def stage_pages(stage: Stage, edition: Edition, source: Path) -> list[dict[str, Any]]:
    """Lay out the pages around the chapters, but for the downloads, and return their part of the table of contents.

    Args:
        stage: where pages go.
        edition: what is shown.
        source: the folder `book` that travels with the program.
    """
    about: list[dict[str, Any]] = []
    texts = _texts(stage, edition)
    stage.add_download("findings", csv_text(findings_table(edition)), "Every finding of this review, as numbers")
    _copy(stage, source / "how-to-read.md", "how-to-read", texts)
    about.append({"file": "how-to-read"})
    quality = _data_quality(edition)
    if quality:
        stage.add_page("data-quality", "Data quality", stage_blocks(stage, quality, "data-quality"))
        about.append({"file": "data-quality"})
    stage.add_page(
        "quality-assurance",
        "Quality assurance",
        stage_blocks(stage, portfolio.quality_log(edition), "quality-assurance"),
    )
    about.append({"file": "quality-assurance"})
    measured = method_blocks()
    texts["calibration"] = (
        f"[{calibration.TITLE}](calibration.md) was measured on made-up data; the page gives every result."
        if measured
        else "How often the intervals hold the truth was not measured yet."
    )
    _copy(stage, source / "methods" / "index.md", "methods/index", texts)
    about.append({"file": "methods/index"})
    for name, title, blocks in (
        ("methods/calibration", calibration.TITLE, measured),
        ("methods/truth", "Estimate against truth", _truth(edition)),
    ):
        if blocks:
            stage.add_page(name, title, stage_blocks(stage, blocks, name))
            about.append({"file": name})  # beside it, not under it: the theme's sign that opens a list has no words
    texts["checklist"] = stage_blocks(stage, duty_pages.checklist(edition), "statutory-checklist")
    for name, title, blocks in (
        ("duty", "The Duty here", duty_pages.duty_here(edition)),
        ("calendar", "Calendar", duty_pages.calendar(edition.folder)),
    ):
        if blocks:
            stage.add_page(name, title, stage_blocks(stage, blocks, name))
            about.append({"file": name})
    for name in ("feasibility", "statutory-checklist", "glossary"):
        if (source / f"{name}.md").is_file():
            _copy(stage, source / f"{name}.md", name, texts)
            about.append({"file": name})
    _copy(stage, source / "accessibility-statement.md", "accessibility-statement", texts)
    return [*about, {"file": "downloads"}, {"file": "accessibility-statement"}]


@cache
def method_blocks() -> list[Block]:
    """How the method was tested, of which the results travel with the program: the same in every book."""
    return calibration.calibration_blocks()


def stage_downloads(stage: Stage, edition: Edition, why_no_pdf: str = "") -> None:
    """Lay out the page of downloads, when all files that it lists are there.

    Args:
        stage: where pages go.
        edition: what is shown.
        why_no_pdf: why the book has no PDFs; empty if it has.
    """
    documents = () if why_no_pdf else DOCUMENTS
    stage.add_page("downloads", "Downloads", downloads_page(stage, edition, documents, why_no_pdf))


def failed_chapter(failure: Failure) -> str:
    """The chapter of a plan that could not be evaluated: what failed and why."""
    box = (
        f'<div class="svd-verdict svd-failed"><p class="svd-verdict-line">{rating_badge("failed")}</p>'
        f'<p class="svd-headline">This intervention could not be evaluated.</p><p>{escape(failure.reason, 3000)}</p></div>'
    )
    when = f"The attempt was made on {failure.when[:10]}. " if failure.when else ""
    said = f"{when}No estimate is shown, because none could be relied on. That is not evidence that the intervention did not work."
    return raw_html(box) + f"\n\n{escape_markdown(said)}\n"


def _texts(stage: Stage, edition: Edition) -> dict[str, str]:
    """What the placeholders of static pages stand for: MyST markdown."""
    settings = edition.settings

    def block(*blocks: Block) -> str:
        return stage_blocks(stage, blocks, "how-to-read")

    shorthand = rows_table(list(SHORTHAND.items()), ["Sign", "Meaning"])
    return {
        "partnership": escape_markdown(settings.partnership),
        "year": escape_markdown(settings.year),
        "contact": escape_markdown(
            settings.contact or "(no contact was given; the law requires one before these pages are published)"
        ),
        "date": escape_markdown(f"{datetime.now(UTC):%d %B %Y}".lstrip("0")),
        "accessibility_result": accessibility.describe_inspection(
            accessibility.read_inspection(accessibility.result_path(edition.folder)), edition_key(edition)
        ),
        "interval": escape_markdown(say.percentage(settings.interval)),
        "authorities": "\n".join(f"- {escape_markdown(a)}" for a in _specified(settings))
        or "- not listed in the review",
        **{name: block(table) for name, table in rules.rule_tables(settings).items()},
        **rules.rule_numbers(),
        **_price_notes(edition.folder),
        "feasibility_curves": stage_blocks(stage, feasibility.feasibility_blocks(edition.folder), "feasibility"),
        "forecast_study": stage_blocks(stage, feasibility.forecast_study(), "feasibility"),
        "chart_rules": block(*monitoring.rules()),
        "portfolio_study": stage_blocks(stage, portfolio_study.study_blocks(), "methods/index"),
        "shorthand_table": block(Table(shorthand, "Signs in tables")),
    }


def _price_notes(folder: Path) -> dict[str, str]:
    """Where the review's deflators end, and which unit costs its table divides between those who bear them."""
    prices = read_prices(folder)
    years = sorted(prices.deflators)
    divided = [f"{price.title} ({', '.join(price.parts)})" for price in prices.unit_costs.values() if price.parts]
    return {
        "last_deflator": escape_markdown(
            f"{years[-1]} (as `{years[-2]}-{years[-1] % 100:02d}`, the last financial year)"
        )
        if len(years) > 1
        else "no year",
        "divided_costs": escape_markdown("; ".join(divided) or "none of them"),
    }


def _specified(settings: Any) -> list[str]:
    named = [a.name for a in settings.duty.authorities if a.role == "specified"]
    return [*settings.authorities, *(name for name in named if name not in settings.authorities)]


def _copy(stage: Stage, path: Path, name: str, texts: dict[str, str]) -> None:
    """Copy a static page with its placeholders filled.

    Raises:
        StagingError: a placeholder has no value.
    """
    content = path.read_text(encoding="utf-8")
    unknown = {m for m in _PLACEHOLDER.findall(content) if m not in texts}
    if unknown or re.search(r"\bTODO\b|\[fill in", content):
        raise StagingError(
            f"the page '{path.name}' still has a placeholder to fill in: {', '.join(sorted(unknown)) or 'see the page'}"
        )
    place = stage.folder / f"{name}.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_PLACEHOLDER.sub(lambda m: texts[m.group(1)], content), encoding="utf-8")


def _data_quality(edition: Edition) -> list[Block]:
    """What the data of the review hold, as stored in the packets."""
    rows: dict[str, dict[str, Any]] = {}
    states: dict[str, tuple[str, dict[str, Any]]] = {}
    notes: list[str] = []
    sources: dict[str, str] = {}
    for packet in edition.packets.values():
        sources |= {key: packet.label(key).get("source") or "" for key in packet.finding["indicators"]}
        for key, row in packet.run.get("labels", {}).get("coverage", {}).items():
            rows.setdefault(key, row)
        for key, stored in packet.run.get("labels", {}).get("states", {}).items():
            states.setdefault(key, (packet.label(key)["title"], stored))
        for found in packet.finding["indicators"].values():
            notes += [
                f"{packet.title}: {c['sentence']}"
                for c in found.get("checks") or []
                if c["name"] == "data_quality" and c["passed"] is False
            ]
    if not rows:
        return []
    blocks: list[Block] = [
        paragraph(
            "Every indicator used by the interventions of this review, with the share of area-periods that is known exactly, known only "
            "as a range (because small or rounded numbers are published), or missing. Missing is never counted as zero."
        ),
        Table(pd.DataFrame(list(rows.values())), "Data behind the review", name="data-quality", kind="svd-wide"),
    ]
    weak = {
        key: one for key, one in states.items() if set("".join(one[1].get("areas", {}).values())) - {COMPLETE_LETTER}
    }
    maps = [
        drawn
        for key, (title, stored) in weak.items()
        if (drawn := calendar_map(f"coverage-{key}", title, stored, sources.get(key, ""))) is not None
    ]
    whole = [title for key, (title, _) in states.items() if key not in weak]
    if whole:
        blocks.append(paragraph(f"Complete in every area and every period: {', '.join(whole)}."))
    if maps:
        blocks.append(
            paragraph(
                "Each chart shows one indicator, one row for each area and one square for each period. Counts that have "
                "collapsed, that fall together, or that mirror a neighbour's are marked as found; nothing was altered."
            )
        )
        blocks += maps
    if notes:
        blocks += [paragraph("Checks of data quality that were not passed:"), bullets(dict.fromkeys(notes))]
    return blocks


def _truth(edition: Edition) -> list[Block]:
    """Estimate against truth, for a simulated review with a `truth.json`; nothing otherwise."""
    path = edition.folder / "truth.json"
    if not edition.settings.simulated or not path.is_file():
        return []
    plans = json.loads(path.read_text(encoding="utf-8")).get("plans", {})
    rows = [row for packet in edition.packets.values() for row in _truth_rows(packet, plans.get(packet.plan_id, {}))]
    if not rows:
        return []
    inside = sum(row[-1] == "yes" for row in rows)
    table = rows_table(
        rows, ["Intervention", "Indicator", "True change", "Estimate", "Interval", "Interval holds the truth"]
    )
    level = say.percentage(edition.settings.interval)
    return [
        paragraph(
            "The data of this review are simulated, so the true effects are known. An evaluator never knows them; here they show how "
            "near the estimates come. The random seed of the shipped example was chosen so that chance hides none of its answers: the "
            "example teaches how to read a review and is no evidence that the method works."
        ),
        paragraph(
            f"{inside} of {len(rows)} {level} credible intervals hold the truth. So few cases prove nothing about the method: whether "
            "intervals hold the truth as often as they say must be settled over many simulated reviews."
        ),
        Table(table, "Estimate against truth", name="truth", kind="svd-wide"),
    ]


def _truth_rows(packet: Packet, truth: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    for key, true in truth.get("indicators", {}).items():
        found = packet.finding["indicators"].get(key, {})
        change, ratio = (
            found.get("percent_change"),
            true.get("rate_ratio") if isinstance(true, dict) else None,
        )
        if say.complete(change) and say.known(ratio):
            actual = 100 * (ratio - 1)
            yes = change["lower"] <= actual <= change["upper"]
            name = Safe(f'<span data-chapter="{escape(packet.plan_id)}">{escape(packet.title, 120)}</span>')
            yield (
                name,
                packet.label(key)["title"],
                say.change(actual),
                say.change(change["median"]),
                say.change_range(change),
                "yes" if yes else "no",
            )
