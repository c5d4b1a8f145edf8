"""What each partnership's own page on the Duty says must be findable in its book: facts, line by line, in our own words.

The pages themselves (`reference/seeds/`) are not part of this project; each line below says one of their facts and the words by which
a reader would look for it. All words of a fact must stand in one cell, paragraph or list item of the page "The Duty here".
"""

from __future__ import annotations

import html
import re
from datetime import date
from pathlib import Path

import pytest

from evaluation.publication import duty
from evaluation.publication.display import to_outputs
from evaluation.publication.edition import open_edition

PARAMS = Path(__file__).resolve().parents[2] / "params"

FACTS: dict[str, list[tuple[str, ...]]] = {
    "south_nottinghamshire": [
        ("Police, Crime, Sentencing and Courts Act 2022",),
        ("across the public sector", "work together", "tackle, prevent and reduce", "communities safer"),
        ("council", "police", "fire and rescue", "youth offending", "probation", "Integrated Care Boards"),
        ("leads on the implementation", "Rushcliffe", "VRP"),
        ("Community Safety Partnership of the borough", "Safe Nottinghamshire"),
        ("whole of Nottingham and Nottinghamshire",),
        ("complexity of violence", "domestic violence", "cause serious harm", "organised criminality", "child exploitation"),
        ("must produce a serious violence strategy",),
        ("work together to reduce serious violence in the borough",),
        ("VRP website",),
        ("safer place for all", "strong, healthy and safe lives"),
        ("local response action plan", "South Notts"),
        ("in line with the requirements of the Duty", "implemented with the VRP"),
        ("South Nottingham serious violence response plan",),
        ("to download from the council's page",),
    ],
    "ashfield_mansfield": [
        ("Police, Crime, Sentencing and Courts Act 2022",),
        ("share data and knowledge", "interventions can be targeted"),
        ("homicide", "knife and gun crime", "gangs and county lines"),
        ("Home Office Serious Violence Strategy",),
        ("gov.uk pages on the Duty", "Serious Violence Strategy", "Act"),
        ("works with partners", "VRU"),
        ("holistic, place-based", "causes and consequences", "underlying causes", "early intervention"),
        ("has developed the strategy", "organisations in Nottinghamshire respond"),
        ("reviewed regularly",),
        ("Nottinghamshire Police and Crime Commissioner", "Nottsvrp.co.uk"),
        ("legal duty", "localised response plan"),
        ("communities and neighbourhoods", "vulnerable groups"),
        ("Share information", "community safety partnership"),
        ("young people and their families",),
        ("intelligence and information",),
        ("Ashfield and Mansfield Community Safety Partnership", "submitted to the Home Office in January 2024"),
        ("related documents",),
    ],
    "norfolk": [
        ("launched in January 2023",),
        ("plan and collaborate", "existing partnerships", "share information", "communities"),
        ("Crime and Disorder Act", "explicit priority"),
        ("Safer Norfolk Plan",),
        ("devastates victims and families", "fear", "costly", "Government's programme"),
        ("multi-agency", "causes and consequences", "prevention and early intervention", "evidence"),
        ("Norfolk police",), ("Fire and rescue authority",), ("Integrated Care Board",), ("Youth justice service",), ("Probation",),
        ("Local authorities of Norfolk",),
        ("Police and Crime Commissioner for Norfolk",), ("Educational settings",), ("Prisons and secure estate",),
        ("Voluntary sector, businesses and communities",),
        ("public health approach", "data and insight", "short and longer-term solutions"),
        ("causes, prevention and early intervention", "criminal justice"),
        ("confirm the partnership arrangements", "strategic needs assessment", "31 January 2024", "monitor the effectiveness"),
        ("Serious Violence Partnership Group",), ("formed in 2022",), ("monthly",), ("Norfolk Community Safety Partnership",),
        ("Community Safety and Violence Reduction Coordination Team", "Office of the Police and Crime Commissioner"),
        ("local definition of serious violence is to be agreed",),
        ("survey", "contact details", "statutory guidance"),
    ],
    "hampshire_isle_of_wight": [
        ("financial year 2022/23", "Police, Crime, Sentencing and Courts Act 2022", "December 2022"),
        ("work together", "share information", "reduce serious violence"),
        ("multi-agency, public health approach", "causes and effects", "prevention and early intervention", "monitor the impact"),
        ("Police",), ("Probation",), ("Youth justice service",), ("Fire and rescue",), ("Health",), ("Local authorities",),
        ("Prisons",), ("Youth custody",), ("Education",), ("may co-operate as necessary",),
        ("identify the types of serious violence most prevalent", "causes", "strategy"),
        ("risk and protective factors", "key types of serious violence", "areas most at risk"),
        ("how partners will collaborate to reduce risk",),
        ("regularly review these products",),
        ("focus specifically on serious violence within their local plans",),
        ("Hampshire, the Isle of Wight, Portsmouth and Southampton",),
        ("Violence is preventable",),
        ("follow evidence", "build it", "informed by data"),
        ("defined population", "health risk", "victims, perpetrators", "bystanders", "vulnerable"),
        ("with and for communities", "voices and experiences", "trauma-informed"),
        ("System-wide commitment", "mature and committed partnership"),
        ("Long-term impact", "root causes", "short-term consequences", "early"),
        ("Annual report",), ("Response strategy",), ("VRU website",),
    ],
    "bath_north_east_somerset": [
        ("choose the partnership structure", "all specified authorities"),
        ("public health approach",), ("Share data",), ("Develop a strategic needs assessment",),
        ("Prepare and implement a serious violence strategy",),
        ("Review the strategy every year", "evaluate interventions", "refresh the needs assessment"),
        ("regional West of England response", "Avon and Somerset OPCC", "specified authorities"),
        ("website of the Avon and Somerset Violence Reduction Partnership",),
        ("Each of the five local authority areas", "local VRP", "local needs", "most appropriate local response"),
        ("oversees the B&NES plan",),
        ("Police",), ("Justice partners (probation)",), ("Justice partners (youth justice)",), ("Fire",), ("Health",),
        ("Bath and North East Somerset Council",),
        ("additional support as required",), ("Education",), ("Third sector",),
        ("B&NES Community Safety Partnership",),
        ("public space violence for under 25", "homicide", "robbery", "wounding", "knife and gun crime", "county lines", "modern slavery"),
        ("whole pathway", "domestic abuse", "rape and serious sexual offences", "violence against women and girls"),
        ("wider pathway",), ("under 25, in public space",),
    ],
}  # fmt: skip

DISTRICTS = {
    "south_nottinghamshire": {"E07000176": "Rushcliffe", "E07000172": "Broxtowe", "E07000173": "Gedling"},
    "ashfield_mansfield": {"E07000170": "Ashfield", "E07000174": "Mansfield"},
    "norfolk": {"E07000148": "Norwich", "E07000143": "Breckland", "E07000149": "South Norfolk"},
    "hampshire_isle_of_wight": {
        "E06000046": "Isle of Wight",
        "E06000044": "Portsmouth",
        "E06000045": "Southampton",
        "E07000094": "Winchester",
    },
    "bath_north_east_somerset": {"E06000022": "Bath and North East Somerset", "E06000023": "Bristol, City of"},
}


def pieces(name: str) -> list[str]:
    """Every cell, paragraph and list item of the page "The Duty here" and of the calendar, as a reader sees it."""
    edition = open_edition(PARAMS / name, "show")
    blocks = [*duty.duty_here(edition), *duty.calendar(edition.folder, date(2026, 7, 1))]
    found = []
    for block in blocks:
        for data, _ in to_outputs(block):
            for part in re.split(r"</?(?:td|th|p|li|caption|tr|ul)[^>]*>", data.get("text/html", "")):
                text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", part))).strip()
                found += [text] if text else []
    return found


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_of_the_document_is_in_the_book(name: str) -> None:
    page = [piece.casefold() for piece in pieces(name)]
    lost = [fact for fact in FACTS[name] if not any(all(word.casefold() in piece for word in fact) for piece in page)]
    assert lost == []


def test_a_fact_that_the_document_does_not_state_is_not_found() -> None:
    page = [piece.casefold() for piece in pieces("norfolk")]
    assert not any("west of england" in piece for piece in page)


@pytest.mark.parametrize("name", DISTRICTS)
def test_the_areas_are_those_of_the_arrangement(name: str) -> None:
    areas = open_edition(PARAMS / name, "show")
    from evaluation.protocol import load_review

    known = {code: area.name for code, area in load_review(areas.folder).areas.areas.items()}
    assert DISTRICTS[name].items() <= known.items()


@pytest.mark.parametrize("name", FACTS)
def test_the_cycle_is_dated_and_what_is_late_is_said(name: str) -> None:
    said = " ".join(pieces(name))
    assert "The review is published" in said
    assert "30 September 2026" in said
    assert "days late" in said
