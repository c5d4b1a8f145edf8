"""What the builder reads of a book besides its pages: `_config.yml`, `_toc.yml` and `conf.py`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from evaluation.publication.edition import Edition
from evaluation.publication.staging import plain_title


def write_configuration(
    folder: Path, edition: Edition, source: Path, standing: list[str], chapters: list[str], about: list[Any]
) -> None:
    """Write `_config.yml`, `_toc.yml` (what a jupyter-book has) and the `conf.py` that Sphinx reads."""
    settings = edition.settings
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    title = settings.title if settings.year in settings.title else f"{settings.title}, {settings.year}"
    config |= {
        "title": plain_title(title),
        "author": plain_title(", ".join(settings.authors) or settings.partnership),
        "copyright": plain_title(f"{datetime.now(UTC).year} {settings.partnership}"),
    }
    sphinx = config["sphinx"]["config"]
    sphinx["html_context"] = {
        **sphinx.get("html_context", {}),
        "svd_banners": _banners(edition),
        "svd_partnership": settings.partnership,
    }
    parts: list[dict[str, Any]] = []
    if standing:
        parts.append({"caption": "The year", "chapters": [{"file": name} for name in standing]})
    if chapters:
        parts.append({"caption": "Interventions", "chapters": [{"file": name} for name in chapters]})
    parts.append({"caption": "About this review", "chapters": about})
    annexes = [
        {"file": name}
        for plan in chapters
        if (folder / f"{(name := plan.replace('interventions/', 'annexes/', 1))}.md").is_file()
    ]
    if annexes:
        parts.append({"caption": "For the evaluator", "chapters": annexes})
    toc = {"format": "jb-book", "root": "index", "parts": parts}
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False, allow_unicode=True), encoding="utf-8")
    names = {
        "project": config["title"],
        "author": config["author"],
        "copyright": config["copyright"],
        "html_title": config["title"],
    }
    lines = [f"{key} = {value!r}" for key, value in {**names, **sphinx}.items()]
    (folder / "conf.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _banners(edition: Edition) -> list[str]:
    banners = []
    if edition.settings.simulated:
        banners.append("SIMULATED data: every count is made up. No number here says anything about a real place.")
    if edition.holds_draft:
        banners.append("DRAFT: quick runs whose numbers cannot be relied on. Not for publication.")
    if edition.settings.signed_off is None:
        banners.append("DRAFT: not signed off. See the page on quality assurance.")
    return banners
