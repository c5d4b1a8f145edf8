"""What a chapter says of another intervention in the same places: areas by name, never by code."""

from evaluation import resources
from evaluation.judgement.overlap import read_overlaps
from evaluation.protocol.loading import load_review


def test_areas_are_called_by_their_names() -> None:
    review = load_review(resources.folder("params") / "example")
    [found] = read_overlaps(review, review.plans["street_mentors"], None, 1, 0.95)
    assert found["compared"] == ["E08", "E09", "E10", "E11"]
    assert found["sentence"] == (
        "Hospital violence navigators in four districts ran in Fennimarket, Cindermoor, Thornquay, Wexhollow, with which this one "
        "is compared. If it worked there, the effect here is understated."
    )
