"""A review folder read whole: `review.yaml`, `areas.yaml`, `indicators.yaml` and `plans/*.yaml`.

`gather` reads as much as can be read and lists everything wrong in every file; `load_review` and `load_plan`
insist that nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.protocol.boundary import stray_files
from evaluation.protocol.definition import Definition, read_definitions
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.partnership import Area, AreaGroup, Areas, ReviewSettings
from evaluation.protocol.plan import STAND_IN, Plan
from evaluation.protocol.plan_rules import PlanCase, plan_problems
from evaluation.protocol.reading import read_model
from evaluation.protocol.slug import as_slug, file_form, slug_fault
from evaluation.protocol.suggest import did_you_mean, listing, nearest
from evaluation.protocol.yaml_source import Document, Lines, place_of, read_yaml

REVIEW_FILE, AREAS_FILE, INDICATORS_FILE, PLANS = "review.yaml", "areas.yaml", "indicators.yaml", "plans"


@dataclass(frozen=True)
class Review:
    """A review as promised: settings, areas, indicators and plans, without any data.

    Attributes:
        folder: the review folder.
        settings: from review.yaml.
        areas: from areas.yaml.
        indicators: by key.
        plans: by id.
        plan_files: the file of each plan, by id.
        lines: line of each key, by file (as named in problems).
        definitions: local definitions of serious violence, by name.
    """

    folder: Path
    settings: ReviewSettings
    areas: Areas
    indicators: dict[str, Indicator]
    plans: dict[str, Plan]
    plan_files: dict[str, Path]
    lines: Mapping[str, Lines] = field(default_factory=dict, repr=False, compare=False)
    definitions: Mapping[str, Definition] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Draft:
    """A review as far as it can be read, with what is wrong.

    Attributes:
        review: what could be read; entries with mistakes hold stand-ins in the damaged keys.
        problems: everything wrong in the YAML files.
        damaged: the keys not to judge by: of plans by file, of indicators by `indicators.yaml#<key>`.
        areas_known: False if areas.yaml could not be read.
    """

    review: Review
    problems: list[Problem]
    damaged: dict[str, frozenset[str]]
    areas_known: bool


def load_review(folder: Path | str) -> Review:
    """Read a review folder.

    Args:
        folder: with review.yaml, areas.yaml, indicators.yaml and plans/.

    Raises:
        InputError: with every problem of every YAML file. The data are not looked at (see `evidence.coverage`).
    """
    draft = gather(Path(folder))
    if draft.problems:
        raise InputError(in_order(draft.problems))
    return draft.review


def find_previous(review: Review) -> list[Problem]:
    """A problem if review.yaml names an archive of last year's review that is not there.

    It is looked for where the book is made or the review checked, not where one plan is evaluated: an archived review can
    be evaluated again without the archive of the year before.
    """
    previous = review.settings.previous
    if previous is None or (review.folder / previous).is_file():
        return []
    remedy = "Name a file made by svd archive, relative to the review folder, or take the line out."
    return [Problem(REVIEW_FILE, "previous", f"There is no file {previous}.", remedy)]


def load_plan(path: Path | str) -> tuple[Review, Plan]:
    """Read one plan and its review. Mistakes in OTHER plans do not matter here: those plans are left out.

    Args:
        path: of the plan, `<review>/plans/<id>.yaml`.

    Raises:
        InputError: with the problems of this plan and of the files that all plans share.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError([_no_such_plan(path)])
    resolved = path.resolve()
    if resolved.parent.name != PLANS or resolved.suffix != ".yaml":
        remedy = f"A plan is a .yaml file in the folder {PLANS}/ of its review."
        raise InputError([Problem(path.name, "", "This is not where a plan belongs.", remedy)])
    draft = gather(resolved.parent.parent)
    name = f"{PLANS}/{resolved.name}"
    problems = [p for p in draft.problems if p.file == name or not p.file.startswith(f"{PLANS}/")]
    if problems:
        raise InputError(in_order(problems))
    wrong = {p.file for p in draft.problems}
    review = draft.review
    plans = {key: plan for key, plan in review.plans.items() if f"{PLANS}/{review.plan_files[key].name}" not in wrong}
    files = {key: review.plan_files[key] for key in plans}
    sound = Review(
        review.folder, review.settings, review.areas, review.indicators, plans, files, review.lines, review.definitions
    )
    return sound, plans[resolved.stem]


def gather(folder: Path) -> Draft:
    """Read everything that can be read in a review folder and list everything that is wrong."""
    if not folder.is_dir():
        found = "This is a file, not a folder." if folder.exists() else "There is no such folder."
        problem = Problem(folder.name or str(folder), "", found, "Name a review folder; `svd new FOLDER` makes one.")
        return Draft(_empty_review(folder), [problem], {}, areas_known=False)
    if not any((folder / name).exists() for name in (REVIEW_FILE, AREAS_FILE, INDICATORS_FILE)):
        found = f"There is no {REVIEW_FILE} in this folder, so it is not a review."
        problem = Problem(folder.resolve().name, "", found, "Name a review folder; `svd new FOLDER` makes one.")
        return Draft(_empty_review(folder), [problem], {}, areas_known=False)
    problems: list[Problem] = []
    lines: dict[str, Lines] = {}
    damaged: dict[str, frozenset[str]] = {}

    def read(name: str) -> Document | None:
        document, found = read_yaml(folder / name, name)
        problems.extend(found)
        if document is not None:
            lines[name] = document.line_of
        return document

    problems.extend(stray_files(folder))
    if problems:  # what lies elsewhere is not even opened: its text would stand in the problems
        return Draft(_empty_review(folder), problems, {}, areas_known=False)
    settings = _settings(read(REVIEW_FILE), problems)
    areas = _areas(read(AREAS_FILE), problems)
    document = read(INDICATORS_FILE)
    indicators = _indicators(document, problems, damaged)
    definitions, wrong = read_definitions(folder)
    problems.extend(wrong)
    problems.extend(_definition_problems(indicators, definitions, lines.get(INDICATORS_FILE, {})))
    keys = frozenset(document.data) if document is not None and isinstance(document.data, dict) else None
    plans: dict[str, Plan] = {}
    plan_files: dict[str, Path] = {}
    taken: dict[str, str] = {}
    for path in plan_paths(folder, problems):
        name = f"{PLANS}/{path.name}"
        document = read(name)
        if document is None:
            continue
        reading = read_model(Plan, document.data, file=name, line_of=document.line_of, stand_in=STAND_IN)
        problems.extend(reading.problems)
        if reading.value is None:
            continue
        plan = reading.value
        sound = {key: i for key, i in indicators.items() if f"{INDICATORS_FILE}#{key}" not in damaged}
        case = PlanCase(plan, name, path.stem, document.line_of, reading.damaged, areas, sound, keys)
        problems.extend(plan_problems(case))
        if "id" not in reading.damaged:
            if plan.id in taken:
                found = f"The id '{plan.id}' is also that of {taken[plan.id]}."
                problems.append(
                    Problem(name, place_of(document.line_of, ("id",)), found, "Give each plan an id of its own.")
                )
            taken.setdefault(plan.id, name)
        damaged[name] = reading.damaged
        # By file stem, so that two plans with one id are both judged; in a sound review stem and id are the same.
        plans[path.stem] = plan
        plan_files[path.stem] = path
    review = Review(
        folder,
        settings or _stand_in_settings(),
        areas or Areas(areas={}),
        indicators,
        plans,
        plan_files,
        lines,
        definitions,
    )
    return Draft(review, problems, damaged, areas_known=areas is not None)


def plan_paths(folder: Path, problems: list[Problem]) -> list[Path]:
    """The plan files of a review, in order of name; files that would be overlooked are problems."""
    plans = folder / PLANS
    if not plans.is_dir():
        return []
    found: list[Path] = []
    for path in sorted(plans.iterdir()):
        if path.name.startswith((".", "~")) or path.name.endswith(".lock.json") or path.is_dir():
            continue
        if path.suffix == ".yaml":
            found.append(path)
        elif path.suffix.lower() in (".yml", ".yaml") or path.name.lower().endswith((".yaml.txt", ".yml.txt")):
            new = as_slug(path.name.split(".")[0])
            name = f"{PLANS}/{path.name}"
            problems.append(Problem(name, "", "A plan's file name ends in .yaml.", f"Rename it to {new}.yaml."))
    return found


def _settings(document: Document | None, problems: list[Problem]) -> ReviewSettings | None:
    if document is None:
        return None
    stand_in = {"title": "stand-in", "partnership": "stand-in", "year": "2000"}
    reading = read_model(ReviewSettings, document.data, file=REVIEW_FILE, line_of=document.line_of, stand_in=stand_in)
    problems.extend(reading.problems)
    return reading.value


def _areas(document: Document | None, problems: list[Problem]) -> Areas | None:
    """Areas one by one, so that a mistake in one does not lose the others."""
    if document is None:
        return None
    data, lines = document.data, document.line_of

    def refuse(path: tuple[str | int, ...], found: str, remedy: str) -> None:
        problems.append(Problem(AREAS_FILE, place_of(lines, path), found, remedy))

    if not isinstance(data, dict):
        refuse(
            (),
            "There are no entries `areas:` and `groups:`.",
            "Write `areas:` and below it `T01: {name: ...}`.",
        )
        return None
    for key in data:
        if key not in ("areas", "groups"):
            refuse((key,), f"There is no key `{key}` here.", did_you_mean(key, ["areas", "groups"]))
    listed, grouped = data.get("areas"), data.get("groups") or {}
    if not isinstance(listed, dict) or not listed:
        refuse(("areas",), "No areas are given.", "Write `areas:` and below it each code: `T01: {name: ...}`.")
        return None
    areas: dict[str, Area] = {}
    for code, spec in listed.items():
        spec = {"name": spec} if isinstance(spec, str) else spec
        if not code.strip() or code != code.strip():
            refuse(
                ("areas", code),
                f"The code '{code}' is empty or has spaces around it.",
                "Take the spaces out.",
            )
        path = ("areas", code)
        reading = read_model(Area, spec, file=AREAS_FILE, line_of=lines, at=path, stand_in={"name": code})
        problems.extend(reading.problems)
        areas[code] = reading.value or Area(name=code)
    first_of: dict[str, str] = {}
    for code in areas:
        twin = first_of.setdefault(file_form(code), code)
        if twin != code and twin.casefold() == code.casefold():
            refuse(("areas", code), f"`{code}` and `{twin}` differ only in capital letters.", "Keep one of the two.")
        elif twin != code:
            found = f"`{code}` and `{twin}` would give files of the same name."
            refuse(
                ("areas", code),
                found,
                "Use codes that differ in their first 40 letters and figures, such as E07000170.",
            )
    groups: dict[str, AreaGroup] = {}
    if not isinstance(grouped, dict):
        refuse(("groups",), "Groups are given without names.", "Write `groups:` and below it `name: [T01, T02]`.")
        grouped = {}
    for name, spec in grouped.items():
        path = ("groups", name)
        if name == "all" or name in areas:
            taken = "means all areas" if name == "all" else "is the code of an area"
            refuse(path, f"`{name}` {taken} and cannot name a group.", "Choose another name.")
        given = {"areas": spec} if isinstance(spec, list) else spec
        group = read_model(AreaGroup, given, file=AREAS_FILE, line_of=lines, at=path)
        problems.extend(group.problems)
        if group.value is None:
            # The name is known even so; plans that use it are not at fault.
            groups[name] = AreaGroup.model_construct(areas=list(areas), because=None)
            continue
        base = path if isinstance(spec, list) else (*path, "areas")
        unknown = [(i, code) for i, code in enumerate(group.value.areas) if code not in areas]
        for i, code in unknown:
            remedy = did_you_mean(code, areas, "a code listed under `areas`, or add the area there")
            refuse((*base, i), f"There is no area `{code}` under `areas`.", remedy)
        twice = sorted({code for code in group.value.areas if group.value.areas.count(code) > 1})
        if twice:
            refuse(path, f"{listing(twice)} is in the group twice.", "Keep one of the two.")
        groups[name] = group.value
    return Areas(areas=areas, groups=groups)


def _indicators(
    document: Document | None, problems: list[Problem], damaged: dict[str, frozenset[str]]
) -> dict[str, Indicator]:
    if document is None:
        return {}
    data, lines = document.data, document.line_of
    if not isinstance(data, dict) or not data:
        found = "No indicators are given."
        remedy = "Write each indicator's key with its entries: `assaults: {title: ...}`."
        problems.append(Problem(INDICATORS_FILE, place_of(lines, ()), found, remedy))
        return {}
    indicators: dict[str, Indicator] = {}
    for key, spec in data.items():
        path = (key,)
        fault = slug_fault(key, "a key")
        if fault:
            problems.append(Problem(INDICATORS_FILE, place_of(lines, path), *fault))
        if isinstance(spec, dict) and "key" in spec:
            found = "There is no key `key` here: the name before the colon is the indicator's key."
            problems.append(Problem(INDICATORS_FILE, place_of(lines, (key, "key")), found, "Take it out."))
            spec = {name: value for name, value in spec.items() if name != "key"}
        given: Any = {"key": key, **spec} if isinstance(spec, dict) else spec
        reading = read_model(Indicator, given, file=INDICATORS_FILE, line_of=lines, at=path, stand_in={"title": key})
        problems.extend(reading.problems)
        if reading.problems:
            damaged[f"{INDICATORS_FILE}#{key}"] = reading.damaged
        elif fault:
            damaged[f"{INDICATORS_FILE}#{key}"] = frozenset({"file"})
        if reading.value is not None:
            indicators[key] = reading.value
            problems.extend(_bounds_problems(reading.value, lines))
    return indicators


def _definition_problems(
    indicators: Mapping[str, Indicator], definitions: Mapping[str, Definition], lines: Lines
) -> Iterator[Problem]:
    """Indicators that name a local definition which there is not."""
    for key, indicator in indicators.items():
        name = indicator.local_definition
        if name is not None and name not in definitions:
            place = place_of(lines, (key, "local_definition"))
            remedy = did_you_mean(name, definitions, "a name in definitions.yaml")
            yield Problem(INDICATORS_FILE, place, f"There is no definition `{name}`.", remedy)


def _bounds_problems(indicator: Indicator, lines: Lines) -> Iterator[Problem]:
    """Suppression intervals that no count can lie in."""
    if indicator.likelihood == "normal":
        return
    for marker, (low, high) in indicator.suppressed.items():
        if low < 0 or low != int(low) or high != int(high):
            place = place_of(lines, (indicator.key, "suppressed", marker))
            found = f"'{marker}' stands for {low:g} to {high:g}, which are not counts."
            yield Problem(INDICATORS_FILE, place, found, "Write whole numbers from 0 up: [1, 7].")


def in_order(problems: list[Problem]) -> list[Problem]:
    """Problems by file, in the order in which files are read, and by line or row within a file."""
    files = {problem.file: i for i, problem in reversed(list(enumerate(problems)))}

    def position(problem: Problem) -> tuple[int, int]:
        number = re.match(r"(?:line|rows?) (\d+)", problem.place)
        return files[problem.file], int(number[1]) if number else 0

    return sorted(problems, key=position)


def _no_such_plan(path: Path) -> Problem:
    plans = sorted(p.stem for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    near = nearest(path.stem, plans)
    remedy = f"Did you mean {near}.yaml?" if near else "Name a plan file: <review>/plans/<id>.yaml."
    return Problem(path.name, "", "There is no such plan.", remedy)


def _stand_in_settings() -> ReviewSettings:
    return ReviewSettings(title="stand-in", partnership="stand-in", year="2000")


def _empty_review(folder: Path) -> Review:
    return Review(folder, _stand_in_settings(), Areas(areas={}), {}, {}, {})
