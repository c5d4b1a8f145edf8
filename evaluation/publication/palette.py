"""Colours of charts, on a light page and on a dark one; and the contrast between two of them.

The colours are those of the Government Analysis Function. A chart is drawn once, for a light page; a reader whose
browser asks for a dark page gets the same chart with each colour exchanged for its counterpart, by a style sheet inside
the picture. Readers of SVG that know no such style sheets, printers among them, see the light one.
"""

BLUE, TEAL, ORANGE, DARK = "#12436D", "#28A197", "#F46A25", "#3D3D3D"
LABEL_ORANGE = "#B4470B"  # orange dark enough for text on white (5.3:1)
INK, AXIS, GRID, UNUSED, PAPER = "#0B0C0C", "#505A5F", "#CCCCCC", "#EDEDED", "#FFFFFF"

# Every colour that a chart may use -> its counterpart on a dark page.
ON_DARK = {
    BLUE: "#8CC0F5",
    TEAL: "#4FD0C5",
    ORANGE: "#FF8A4D",
    LABEL_ORANGE: "#FFA066",
    DARK: "#D6DADE",
    INK: "#F3F2F1",
    AXIS: "#AAB4BA",
    GRID: "#48525B",
    UNUSED: "#2A3138",
    PAPER: "#14181C",
    # signals of monitoring (NHS England, Making Data Count)
    "#A6A6A6": "#8D979F",
    "#00B0F0": "#35C3FF",
    "#E46C0A": "#FF9A4A",
    "#490092": "#C9A2FF",
    # pale fills: states, shades of maps, ranges of the model
    "#DCE6EE": "#2B3A48",
    "#9FD5D1": "#2F6F6A",
    "#D3DCE5": "#33475A",
    "#8AA3BA": "#5F7F9E",
    "#E7EDF3": "#24303C",
    "#A9BDD1": "#4C6C8C",
    "#E3E3E3": "#333B42",
}
# The colours in which charts write words.
WORDS = (BLUE, LABEL_ORANGE, DARK, INK, AXIS)


def dark_style() -> str:
    """The style sheet that exchanges the colours of an SVG where the reader prefers a dark page."""
    rules = []
    for light, dark in ON_DARK.items():
        for part in ("fill", "stroke"):
            rules.append(f'[style*="{part}: {light.lower()}"]{{{part}:{dark.lower()} !important}}')
    return "@media (prefers-color-scheme: dark){" + "".join(rules) + "}"


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (`#RRGGBB`), from 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
