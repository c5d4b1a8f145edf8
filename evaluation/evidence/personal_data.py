"""Records of people are refused: this program works on counts for areas, and nobody's data should travel to make them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluation.errors import Problem
from evaluation.protocol.suggest import listing

_PERSON = (
    r"(victim|offender|suspect|patient|pupil|student|client|child|person|young[ _]?person|service[ _]?user|staff)s?"
)
_COLUMNS = re.compile(
    r"(sur|fore|first|last|middle|full|given|family|known[ _]?as)[ _]?names?"
    rf"|{_PERSON}[ _]?(names?|id|no|number|ref(erence)?|initials|postcode|address|dob)"
    r"|initials|d\.?o\.?b\.?|(date[ _]?of[ _]?birth|birth[ _]?date)|nhs[ _]?(no|num|number)\.?|upn|nino|hospital[ _]?number"
    r"|national[ _]?insurance.*|(home[ _]?)?address([ _]?line[ _]?\d)?|(home[ _]?)?post[ _]?code|e-?mail.*|(tele)?phone.*|mobile.*"
    r"|crime[ _]?(ref|reference|number|no)(erence)?[ _]?(no|number)?|case[ _]?(id|ref|reference|number|no)|ethnicity"
    r"|pnc([ _]?(id|no|number))?|cro([ _]?(no|number))?|urn|mrn|cad([ _]?(ref|no|number))?|(custody|incident|occurrence|niche|referral)"
    r"[ _]?(id|ref|reference|number|no)|easting|northing|latitude|longitude|forename|surname|gp[ _]?practice"
    r"|arrival date and time.*|assault date and time.*|attendance[ _]?(id|number|identifier)",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
REMEDY = (
    "Count the rows by area and period, leave out every column about a person, and share the counts: "
    "`svd import --template` writes the sheet to fill in. Delete the copy that was sent."
)


def personal_columns(header: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> list[str]:
    """The columns that hold data about single people: by their names, or by what their cells look like.

    Args:
        header: column names.
        sample: some rows of cells.
    """
    found = []
    for i, name in enumerate(header):
        cells = [row[i].strip() for row in sample if i < len(row) and row[i].strip()]
        if _COLUMNS.fullmatch(name.strip()) or (
            cells and all(_nhs_number(cell) or _POSTCODE.fullmatch(cell) or _EMAIL.fullmatch(cell) for cell in cells)
        ):
            found.append(name)
    return found


def _nhs_number(text: str) -> bool:
    """Whether a text is an NHS number: ten digits of which the last checks the others (modulus 11)."""
    digits = text.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not digits.isascii() or not digits.isdigit():
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(digits[9]) and check != 10


def refuse_personal(file: str, place: str, header: Sequence[str], sample: Sequence[Sequence[str]]) -> list[Problem]:
    """The problem of a file of records about people; none if there are no such columns."""
    columns = personal_columns(header, sample)
    if not columns:
        return []
    text = f"This looks like records of people, not counts: {listing([f'`{name}`' for name in columns], 6)}."
    return [Problem(file, place, text, REMEDY)]
