"""Tables as accessible HTML: a caption, scoped headers, everything escaped, numbers to the right."""

import math
from collections.abc import Collection, Sequence

import pandas as pd

from evaluation.publication.disclosure import CONFIDENTIAL, NOT_AVAILABLE, Safe, escape

STACKED = "svd-strategy"  # the kind of table whose rows become cards on a narrow page
_ROLES = {
    "table": "table", "thead": "rowgroup", "tr": "row", "col": "columnheader", "row": "rowheader", "td": "cell",
}  # fmt: skip


def rows_table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> pd.DataFrame:
    """A table of the rows given, cell by cell: no column is turned into another type, so `Safe` cells stay `Safe`."""
    return pd.DataFrame(list(rows), columns=pd.Index(list(columns)), dtype=object)


def html_table(
    table: pd.DataFrame,
    caption: str,
    row_header: str | None = None,
    counts: Collection[str] = (),
    kind: str = "",
) -> Safe:
    """Return `table` as HTML.

    Args:
        table: one column per column shown, in order; the index is not shown. Cells are text, numbers, None or `Safe`.
        caption: what the table is; also the name of the region that scrolls.
        row_header: column whose cells head their rows; the first column if not given.
        counts: columns of disclosure-controlled counts; the audit of the book refuses 1 to 7 in them.
        kind: extra class for the style sheet.
    """
    header = row_header if row_header is not None else (str(table.columns[0]) if len(table.columns) else "")
    # The style sheet turns rows of this kind into cards on a narrow page: without roles that would take the table away
    # from screen readers, and without labels the headings from everybody.
    cards = STACKED in kind.split()
    roles = {tag: f' role="{name}"' if cards else "" for tag, name in _ROLES.items()}
    lines = [
        f'<div class="svd-table {escape(kind)}" role="region" tabindex="0" aria-label="{escape(caption, 200)}">',
        f"<table{roles['table']}><caption>{escape(caption)}</caption>",
        f"<thead{roles['thead']}><tr{roles['tr']}>",
    ]
    numeric = {str(c) for i, c in enumerate(table.columns) if _is_numeric(table.iloc[:, i].tolist())}
    for name in map(str, table.columns):
        lines.append(f'<th scope="col"{roles["col"]}{_class(name, numeric, ())}>{escape(name)}</th>')
    lines.append(f"</tr></thead><tbody{roles['thead']}>")
    for row in table.itertuples(index=False, name=None):
        cells = []
        for name, value in zip(map(str, table.columns), row, strict=True):
            text = value if isinstance(value, Safe) else escape(_text(value))
            if name == header:
                cells.append(f'<th scope="row"{roles["row"]}>{text}</th>')
            else:
                label = f' data-label="{escape(name)}"' if cards else ""
                cells.append(f"<td{roles['td']}{label}{_class(name, numeric, counts)}>{text}</td>")
        lines.append(f"<tr{roles['tr']}>" + "".join(cells) + "</tr>")
    lines.append("</tbody></table></div>")
    return Safe("\n".join(lines))


def _class(name: str, numeric: Collection[str], counts: Collection[str]) -> str:
    classes = [word for word, wanted in (("number", name in numeric), ("count", name in counts)) if wanted]
    return f' class="{" ".join(classes)}"' if classes else ""


def _is_numeric(values: list[object]) -> bool:
    seen = [v for v in values if v is not None and v not in ("", CONFIDENTIAL, NOT_AVAILABLE)]
    return bool(seen) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in seen)


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float):
        return (f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.4g}").replace("-", "−")
    return str(value)
