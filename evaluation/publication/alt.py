"""Alt text: chart type, what it shows, main trend; one sentence that ends with a full stop (ONS rule)."""

import re

from evaluation.publication.disclosure import clean

SHORTEST, LONGEST = 20, 250


def alt_sentence(chart: str, subject: str, trend: str) -> str:
    """Compose alt text such as "Line chart of evening assaults: about 12% lower than expected."

    The trend is kept whole and the subject shortened if the sentence is too long.
    """
    chart, trend = clean(chart), clean(trend).rstrip(". ")
    room = LONGEST - len(chart) - len(trend) - 7
    subject = clean(subject, longest=max(10, room)).rstrip(". ")
    sentence = f"{chart} of {subject}: {trend}."
    return sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1].rstrip(" .,") + "."


def find_faults(alt: str | None, source: str = "") -> str | None:
    """Return what is wrong with an image's alt text, or None.

    Args:
        alt: the attribute's value, None if absent.
        source: the image's address; the builder writes it as alt text where none was given.
    """
    if alt is None or not alt.strip():
        return "has no alt text"
    name = source.rsplit("/", 1)[-1]
    if name and alt.strip().endswith(name):
        return "has its file name as alt text"
    if not SHORTEST <= len(alt) <= LONGEST:
        return f"has alt text of {len(alt)} characters; {SHORTEST} to {LONGEST} are wanted"
    if not alt.rstrip().endswith("."):
        return "has alt text that does not end with a full stop"
    if re.search(r"\bnan\b|\bNone\b", alt):
        return "has alt text with an empty number in it"
    return None
