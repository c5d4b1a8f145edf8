"""Editions: what is shown, what is left out, and that it is said."""

import json

import pytest
from fixture import stored_review

from evaluation.publication import annual
from evaluation.publication.disclosure import Safe
from evaluation.publication.display import Table, Text
from evaluation.publication.edition import open_edition, write_failure

pytestmark = pytest.mark.slow  # each stores a review and tells it


def words(blocks) -> str:
    texts = [str(b.html) if isinstance(b, Text) else b.data.to_csv() for b in blocks if isinstance(b, (Text, Table))]
    return "\n".join(texts)


def test_a_failure_newer_than_the_packet_counts_and_an_older_one_does_not(tmp_path) -> None:
    stored_review(tmp_path, [("benefit", "its", False)])
    [plan] = open_edition(tmp_path).packets
    path = write_failure(tmp_path, plan, "Outreach", "The data are gone.")
    edition = open_edition(tmp_path)
    assert list(edition.failures) == [plan] and not edition.packets
    assert "The data are gone." in words(annual.not_evaluated(edition))
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"when": "2020-01-01T00:00:00Z"}), encoding="utf-8")
    assert list(open_edition(tmp_path).packets) == [plan]


def test_drafts_are_left_out_and_said_so(tmp_path) -> None:
    stored_review(tmp_path, [("benefit", "did", False)], profile="draft")
    edition = open_edition(tmp_path)
    assert not edition.packets and len(edition.drafts) == 1
    assert "only a draft exists" in words(annual.not_evaluated(edition))
    shown = open_edition(tmp_path, "show")
    assert len(shown.packets) == 1 and shown.holds_draft
    with pytest.raises(ValueError, match="drafts must be"):
        open_edition(tmp_path, "maybe")


def test_a_plan_that_was_changed_after_the_run_is_said_to_be_so(tmp_path) -> None:
    stored_review(tmp_path, [("unclear", "its", False)])
    [plan] = (tmp_path / "plans").iterdir()
    plan.write_text(plan.read_text(encoding="utf-8") + "# one more thought\n", encoding="utf-8")
    edition = open_edition(tmp_path)
    assert "changed after this evaluation" in words(annual.not_evaluated(edition))


def test_the_strategy_on_one_page(tmp_path) -> None:
    kinds = [("failed", "did", False), ("harm", "its", False), ("benefit", "did", False), ("benefit", "its", True)]
    edition = open_edition(stored_review(tmp_path, kinds))
    table = next(b for b in annual.strategy(edition) if isinstance(b, Table))
    assert list(table.data.columns) == annual.COLUMNS
    found = [Safe(cell).text for cell in table.data["What we found"]]
    assert [f.split()[0] for f in found] == ["Promising", "Promising", "Possible", "Not"]
    last = table.data.iloc[-1]
    assert last["How sure that it helped"] == "none" and last["Cost of each avoided"] == "none"
    assert "2 promising (moderate confidence), 1 possible harm (high confidence), 1 not estimated." in words(
        annual.answers(edition)
    )
    findings = annual.findings_table(edition)
    assert findings["rating"].isin(["benefit", "harm", "failed", "unclear"]).all()
    assert annual.edition_key(edition) != annual.edition_key(open_edition(tmp_path / ".", "show")) or not edition.drafts


def test_no_verdict_is_counted_without_its_confidence(tmp_path) -> None:
    edition = open_edition(
        stored_review(tmp_path, [("benefit", "its", False), ("benefit", "did", False), ("unclear", "its", False)])
    )
    first = next(iter(edition.packets.values()))
    first.finding["indicators"][first.primary]["confidence"] = "low"
    first.finding["indicators"][first.primary]["grade"] = "promising"
    assert "2 promising (1 with moderate, 1 with low confidence), 1 no clear effect (low confidence)." in words(
        annual.answers(edition)
    )


def test_an_interval_that_is_not_called_an_effect_says_so_on_the_first_page(tmp_path) -> None:
    edition = open_edition(stored_review(tmp_path, [("unclear", "did", False)]))
    [packet] = edition.packets.values()
    packet.finding["indicators"][packet.primary]["disqualified_by"] = ["pre_trend"]
    assert "not called an effect, because a check speaks against it" in words(annual.strategy(edition))
