"""From plan to decision through the commands a user types: two years of a made-up partnership, and what its book says.

The posterior's sampler is replaced by the fast approximation of the same models, and the profile is the draft's, which leaves
out the checks that need refits; all else is what the commands do.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from evaluation import cli
from evaluation.inference import crew, engine, futures, power
from evaluation.inference.laplace import approximate
from evaluation.judgement import feasibility
from tests.decisions import made_up

pytestmark = pytest.mark.slow
DRAFT = ("--profile", "draft", "--jobs", 1, "--quiet")
UNSIGNED = "DRAFT: not signed off"


def svd(*arguments: object, code: int = 0) -> str:
    """Run a command; what it said on both streams."""
    result = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "300"}).invoke(cli.app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


class _Words(HTMLParser):
    words = ""

    def handle_data(self, data: str) -> None:
        self.words += f" {data.strip()}"


def words(page: Path) -> str:
    """The text of a page, with single spaces."""
    reader = _Words()
    reader.feed(page.read_text(encoding="utf-8"))
    return " ".join(reader.words.split())


def finding(folder: Path, plan: str) -> dict[str, Any]:
    newest = sorted((folder / "_build" / "packets" / plan).iterdir())[-1]
    return json.loads((newest / "finding.json").read_text(encoding="utf-8"))


class Years:
    """What two years of commands left: folders, pages of each book, the archive."""

    def __init__(self, place: Path) -> None:
        first, second = made_up.write(place / "first"), place / "second"
        self.first, self.second, self.archive = first, second, place / "kept" / "2023-24.zip"
        plan = first / "plans" / "mentors.yaml"
        svd("lock", first / "plans" / "navigators.yaml")
        for name in ("navigators", "mentors"):
            svd("run", first / "plans" / f"{name}.yaml", *DRAFT)
        svd("book", first, "--draft")
        self.draft = self._pages(first)
        # Registered only now, and changed afterwards; then the review is signed off.
        svd("lock", plan)
        content = yaml.safe_load(plan.read_text(encoding="utf-8")) | {"question": "Did mentors cut burglary at all?"}
        plan.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        signed = {"signed_off": {"by": "A. Chair", "role": "chair", "on": "2024-06-01"},
                  "quality_assurance": [{"task": "Data", "done_by": "Ann", "checked_by": "Ann", "remains": "coding"}]}  # fmt: skip
        settings = first / "review.yaml"
        settings.write_text(yaml.safe_dump(made_up.REVIEW | signed, sort_keys=False), encoding="utf-8")
        svd("run", plan, *DRAFT)
        svd("book", first, "--draft")
        self.signed = self._pages(first)
        svd("archive", first, "--into", self.archive)
        made_up.write(second, "2024-12", revised=1.25, year="2024-25", previous="../kept/2023-24.zip")
        svd("run", second / "plans" / "mentors.yaml", *DRAFT)
        svd("book", second, "--draft")
        self.later = self._pages(second)

    @staticmethod
    def _pages(folder: Path) -> dict[str, str]:
        """Text of every page; a chapter's with that of its annex, the first page's with that of the comparison."""
        html = folder / "_build" / "html"
        told = {p.relative_to(html).as_posix(): words(p) for p in html.rglob("*.html") if "_static" not in p.parts}
        for name in told:
            beside = "compared.html" if name == "index.html" else name.replace("interventions/", "annexes/")
            told[name] += f" {told[beside]}" if beside != name and beside in told else ""
        return told


def in_turn(groups: list, store: engine.Store, jobs: int, report: crew.Report, seconds: float | None) -> dict[str, str]:
    return crew._in_turn([order for group in groups for order in group], store, report)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        # No worker is started, because none would know of the stand-in for the sampler.
        patch.setattr(engine, "sample", lambda task, cores: approximate(task))
        patch.setattr(crew, "_in_processes", in_turn)
        yield Years(tmp_path_factory.mktemp("decisions"))


NAVIGATORS, MENTORS = "interventions/navigators.html", "interventions/mentors.html"


def test_recording_that_rises_while_injury_falls_is_said_and_holds_back(years: Years) -> None:
    found, page = finding(years.first, "navigators"), years.draft[NAVIGATORS]
    assert [read["pattern"] for read in found["triangulation"]] == ["cardiff"]
    assert "should not be read as harm" in page
    police = found["indicators"]["violence"]
    assert police["rating"] == "harm" and police["confidence"] != "high"
    assert any("better witness" in reason for reason in police["confidence_reasons"])
    assert found["indicators"]["admissions"]["rating"] == "benefit"
    assert (found["decision"]["recommended"], found["decision"]["source"]) == ("keep_measuring", "rule")
    assert "Keep measuring" in page and "what better recording looks like" in page


def test_displacement_has_a_net_effect_with_draws_and_both_cross_checks(years: Years) -> None:
    found, page = finding(years.first, "navigators")["displacement"], years.draft[NAVIGATORS]
    target, around, net = (found[name] for name in ("target_averted", "buffer_averted", "net_averted"))
    assert net["mean"] == pytest.approx(target["mean"] + around["mean"], rel=1e-6)
    # True: 120 a month over 24 months; rises of 35% in two areas and of 20% in the one between them.
    assert target["lower"] < -2 * 0.35 * 120 * 24 < target["upper"]
    assert around["lower"] < -0.2 * 120 * 24 < around["upper"]
    assert net["upper"] < 0
    assert found["wdq"]["value"] is None and "nothing to displace" in found["wdq"]["reading"]
    assert found["wdd"]["total"] > 0
    assert "Displacement and diffusion. In target and surrounding areas together:" in page
    assert "Weighted displacement difference: +" in page


def test_harm_is_weighted_with_and_without_the_heaviest(years: Years) -> None:
    found = finding(years.first, "navigators")["harm"]
    assert found["heaviest"] == "admissions"
    assert found["prob_less_without"] < 0.01, "recorded violence alone rose"
    assert "without Admissions for assault, the heaviest" in years.draft[NAVIGATORS]


def test_the_chapter_has_the_headings_of_emmie_filled_from_the_plan(years: Years) -> None:
    page = years.draft[NAVIGATORS]
    for heading in ("Effect", "Mechanism", "Moderators", "Implementation", "Economics"):
        assert f" {heading}: " in page
    for said in ("Help at the bedside.", "Better for the young.", "One nurse a ward.", "It cost £150,000"):
        assert said in page
    assert "Maryland Scientific Methods Scale: level 3" in page
    assert "What would change our mind:" in page


def test_an_effect_without_delivery_is_said_and_not_relied_on(years: Years) -> None:
    found, page = finding(years.first, "mentors"), years.draft[MENTORS]
    entry = found["indicators"]["burglary"]
    assert entry["rating"] == "benefit", "it fell by 40%"
    assert found["delivery"]["level"] == "hardly"
    assert "Hardly anything was delivered (10 of 200 sessions)." in entry["confidence_reasons"]
    assert found["decision"]["recommended"] == "keep_measuring"
    assert "hardly anything was delivered: the change is probably not the scheme's" in page


def test_registration_is_told_field_by_field(years: Years) -> None:
    assert "not changed since" in years.draft[NAVIGATORS]
    assert "results had been computed before" not in years.draft[NAVIGATORS]
    assert "not registered: nothing shows that it was written before the result was known" in years.draft[MENTORS]
    page = years.signed[MENTORS]
    assert "changed since: question; results had been computed before (on " in page
    assert "was Did mentors reduce burglary?; now Did mentors cut burglary at all?" in page


def test_a_review_that_is_not_signed_off_is_a_draft_on_every_page(years: Years) -> None:
    assert len(years.draft) > 8
    assert [name for name, text in years.draft.items() if UNSIGNED not in text] == []
    assert [name for name, text in years.signed.items() if UNSIGNED in text] == []
    log = years.signed["quality-assurance.html"]
    assert "Signed off by A. Chair, chair, on 2024-06-01." in log
    assert "coding" in log and "Done and checked by the same person: Data." in log


def test_the_first_page_says_confidence_luck_money_and_what_a_budget_buys(years: Years) -> None:
    page = years.draft["index.html"]
    level = finding(years.first, "mentors")["indicators"]["burglary"]["confidence"]
    assert f"1 promising ({level} confidence)" in page
    assert "luck alone would be expected to show" in page
    assert "With £300,000" in page
    assert "Posters: it has not been run yet." in page


def test_the_book_prints_the_rules_and_where_the_deflators_end(years: Years) -> None:
    methods = years.draft["methods/index.html"]
    for rule in ("probability of benefit 92.5% or more", "one level down", "What holds a recommendation back"):
        assert rule in methods
    assert "end with 2024" in methods and "Homicide (police, justice)" in methods
    assert "Who benefits is not known" in years.draft[MENTORS]


def test_last_years_finding_is_remembered_with_reasons(years: Years) -> None:
    page = years.later["index.html"]
    before = finding(years.first, "mentors")["indicators"]["burglary"]["percent_change"]["median"]
    now = finding(years.second, "mentors")["indicators"]["burglary"]["percent_change"]["median"]
    assert now > before + 5, "the counts were revised upwards"
    assert f"We said {-before:.0f}% lower, now {-now:.0f}% lower, because 12 more periods are known; " in page
    assert "the plan was changed (" in page
    assert "lies outside last year's interval" in page


def test_every_figure_is_reproduced_from_the_archive(years: Years) -> None:
    said = svd("verify", years.archive, "--only", "mentors")
    assert "mentors: every figure is the same" in said and "Every figure was reproduced." in said


def test_a_figure_that_was_changed_is_found(years: Years, tmp_path: Path) -> None:
    """The hashes are made to fit, so that only computing it again can tell."""
    forged, name = tmp_path / "forged.zip", "packets/mentors/finding.json"
    with zipfile.ZipFile(years.archive) as before, zipfile.ZipFile(forged, "w") as after:
        files = {item: before.read(item) for item in before.namelist()}
        content = json.loads(files[name])
        content["indicators"]["burglary"]["percent_change"]["median"] -= 1.0
        files[name] = json.dumps(content).encode()
        manifest = json.loads(files["manifest.json"])
        manifest["sha256"][name] = hashlib.sha256(files[name]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
        for item, text in files.items():
            after.writestr(item, text)
    said = svd("verify", forged, "--only", "mentors", code=1)
    assert "differs: mentors: indicators.burglary.percent_change.median was" in said


def test_feasibility_is_told_stored_and_printed(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "DRAWN", 200)
    monkeypatch.setattr(futures, "APPROXIMATIONS", 1)
    monkeypatch.setattr(feasibility, "YEARS", (0.5, 1.0))
    monkeypatch.setattr(feasibility, "foresee", partial(power.foresee, refits=15))
    said = svd("feasibility", years.second / "plans" / "posters.yaml")
    assert "1 area, 6 months: smallest detectable change" in said
    assert "2 areas, 12 months" in said
    assert "would be found 4 times in 5" in said or "choose another outcome" in said
    record = json.loads((years.second / "_build" / "feasibility" / "posters.json").read_text(encoding="utf-8"))
    assert {p["areas"] for p in record["prospects"]} == {1, 2}
    svd("book", years.second, "--draft")
    page = words(years.second / "_build" / "html" / "feasibility.html")
    assert "What could be found: Posters" in page and record["advice"][0] in page
    assert list((years.second / "_build" / "html").rglob("*posters-feasibility-curve*"))
