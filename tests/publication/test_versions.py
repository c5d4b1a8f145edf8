"""Editions: what the front says, what changed since the one before, corrections, withdrawn chapters; the status page."""

import json
from pathlib import Path

import pytest
import yaml
from fixture import stored_review

from evaluation.errors import InputError
from evaluation.protocol import load_review
from evaluation.publication import versions
from evaluation.publication.display import Table, to_outputs
from evaluation.publication.edition import open_edition, write_failure
from evaluation.publication.release import publish
from evaluation.publication.staging import Stage
from evaluation.publication.status import status_blocks
from evaluation.publication.withheld import find_words


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("versions") / "review"
    folder.mkdir()
    return stored_review(folder, [("benefit", "its", False)])


@pytest.fixture
def review(stored: Path, tmp_path: Path) -> Path:
    import shutil

    folder = tmp_path / "review"
    shutil.copytree(stored, folder)
    return folder


def change(folder: Path, **settings: object) -> None:
    path = folder / "review.yaml"
    kept = {**yaml.safe_load(path.read_text(encoding="utf-8")), **settings}
    path.write_text(yaml.safe_dump({k: v for k, v in kept.items() if v is not None}), encoding="utf-8")


def words(blocks) -> str:
    return "\n".join(data["text/html"] for block in blocks for data, _ in to_outputs(block) if "text/html" in data)


def test_the_front_says_edition_sign_off_and_data(review: Path) -> None:
    change(review, data_cut="2026-05-08")
    front = versions.front(open_edition(review, audience="public"))
    assert "Edition 1</strong> of the 2024-25 review" in front
    assert "signed off by A. Fabricated, chair, on 1 June 2026" in front
    assert "taken on 8 May 2026" in front and "The first edition" in front and 'href="editions.html"' in front
    assert "Internal edition" not in front
    assert "Internal edition" in versions.front(open_edition(review))
    change(review, signed_off=None)
    assert "not signed off" in versions.front(open_edition(review))


def test_what_changed_since_the_edition_before(review: Path) -> None:
    versions.write_record(review, versions.record_of(open_edition(review)))
    change(review, edition=2)
    edition = open_edition(review)
    before = versions.last_record(edition)
    assert before is not None and before.number == 1
    assert versions.changes_since(edition, before) == []
    assert "No finding changed since edition 1 of 2024-25" in versions.front(edition)
    place = review / "published" / "2024-25-edition-1.json"
    record = json.loads(place.read_text(encoding="utf-8"))
    said = record["findings"]["scheme_benefit_its"]
    said["confidence"], said["estimate"] = "high", "30% lower (20% to 40% lower)"
    record["findings"]["old_scheme"] = {"title": "The old scheme", "finding": "promising"}
    place.write_text(json.dumps(record), encoding="utf-8")
    lines = versions.changes_since(edition, versions.last_record(edition))
    assert any(
        "confidence was high, is moderate; estimate was 30% lower (20% to 40% lower), is" in line for line in lines
    )
    assert "The old scheme: withdrawn." in lines
    assert "2 changes since edition 1 of 2024-25" in versions.front(edition)


def test_a_published_plan_may_not_vanish_without_a_reason(review: Path) -> None:
    record = versions.record_of(open_edition(review))
    record.findings["old_scheme"] = {"title": "The old scheme", "finding": "promising"}
    versions.write_record(review, record)
    change(review, edition=2)
    found = versions.find_problems(open_edition(review))
    assert len(found) == 1 and "no longer in the review" in found[0].found and "withdrawn" in found[0].remedy
    gone = {"title": "The old <b>scheme</b>", "on": "2026-07-01", "because": "its counts were of another town"}
    change(review, withdrawn={"old_scheme": gone})
    edition = open_edition(review)
    assert versions.find_problems(edition) == []
    stage = Stage(review / "stage")
    assert versions.stage_editions(stage, edition) == {
        "file": "editions",
        "sections": [{"file": "interventions/old_scheme"}],
    }
    page = (stage.folder / "interventions" / "old_scheme.md").read_text(encoding="utf-8")
    assert "This chapter was withdrawn." in page and "1 July 2026" in page and "counts were of another town" in page
    assert "<b>" not in page
    listed = (stage.folder / "editions.md").read_text(encoding="utf-8")
    assert "interventions/old_scheme.html" in listed and "interventions/scheme_benefit_its.html" in listed


def test_a_plan_is_not_both_there_and_withdrawn_and_editions_count_up(review: Path) -> None:
    change(review, edition=3)
    versions.write_record(review, versions.record_of(open_edition(review)))
    gone = {"title": "x", "on": "2026-07-01", "because": "it was wrong"}
    change(review, edition=2, withdrawn={"scheme_benefit_its": gone})
    said = " ".join(f"{p.found} {p.remedy}" for p in versions.find_problems(open_edition(review)))
    assert "is still there" in said and "Count the edition up" in said


def test_corrections_are_listed_newest_first_and_escaped(review: Path) -> None:
    change(
        review,
        corrections=[
            {"on": "2026-07-01", "was": "15% lower", "now": "12% lower", "where": "scheme_benefit_its"},
            {"on": "2026-08-01", "was": "<script>x</script>", "now": "=1+1"},
        ],
    )
    stage = Stage(review / "stage")
    stage.chapters = {"scheme_benefit_its"}
    versions.stage_editions(stage, open_edition(review))
    page = (stage.folder / "editions.md").read_text(encoding="utf-8")
    assert page.index("1 August 2026") < page.index("1 July 2026")
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert '<a href="interventions/scheme_benefit_its.html">' in page
    assert "'=1+1" in (stage.files / "corrections.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"edition": 0}, "edition"),
        ({"data_cut": "last week"}, "is not a day"),
        ({"corrections": [{"on": "2026-07-01", "was": "x"}]}, "now"),
        ({"withdrawn": {"../x": {"title": "x", "on": "2026-07-01", "because": "it was wrong"}}}, "cannot be the id"),
    ],
)
def test_mistakes_in_the_settings_of_editions(review: Path, settings: dict, found: str) -> None:
    change(review, **settings)
    with pytest.raises(InputError, match=found):
        load_review(review)


def test_a_damaged_record_is_a_problem_with_its_file(review: Path) -> None:
    (review / "published").mkdir()
    (review / "published" / "2024-25-edition-1.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"published/2024-25-edition-1.json"):
        versions.read_records(review)


def test_the_status_page_shows_every_packet_diagnostics_versions_and_failures(review: Path) -> None:
    write_failure(review, "scheme_benefit_its", "Outreach", "A worker <died>.")
    edition = open_edition(review)
    blocks = status_blocks(edition)
    said = words(blocks)
    assert "1 plans: 0 shown, 1 failed." in said or "1 plan: 0 shown, 1 failed." in said
    assert "A worker &lt;died&gt;." in said
    captions = [block.caption for block in blocks if isinstance(block, Table)]
    assert captions[-1].startswith("Every stored packet")
    assert "1.0040" in said and "812" in said and "pymc 6.4" in said and "000000000000" in said and "publish" in said
    packet = next((review / "_build" / "packets" / "scheme_benefit_its").iterdir())
    (packet / "run.json").write_text("{", encoding="utf-8")
    assert "the packet cannot be read" in words(status_blocks(edition))


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("There were three events in May, 12 events in June and 4 areas.", "three events"),
        ("Of these, 2 young people were hurt.", "2 young people"),
        ("The ward had four serious\n  events.", "four serious events"),
        ("One child died.", "One child"),
    ],
)
def test_a_small_number_in_words_refuses_until_somebody_has_read_it(review: Path, sentence: str, phrase: str) -> None:
    assert list(find_words(load_review(review))) == []
    change(review, summary=sentence)
    (found,) = find_words(load_review(review))
    assert found.file == "review.yaml" and found.place.startswith("line ") and f"'{phrase}'" in found.found
    with pytest.raises(InputError, match=f"speaks of '{phrase}'"):
        publish(review, review.parent / "public", draft=True)
    change(review, summary=sentence, cleared_phrases=[phrase.upper()])
    assert list(find_words(load_review(review))) == []


@pytest.mark.parametrize(
    "sentence",
    ["In 2023 people moved.", "About 1.5 people a day, 1,234 events, 0-4 events, 17 people.", "Two wards of one town."],
)
def test_other_numbers_in_words_are_nobodys(review: Path, sentence: str) -> None:
    change(review, summary=sentence)
    assert list(find_words(load_review(review))) == []
