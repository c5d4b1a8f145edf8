"""What an enemy, or a careless copy and paste, could put where a name is wanted. Every piece says where it stands."""

from __future__ import annotations

ALIVE = "data-svd-alive"  # an attribute that a script of ours would put on the page, were it run
HOST = "evil.example"
SECRET = "INCLUDED-FROM-OUTSIDE"  # the content of a file beside the review that no page may include

_STARTS = ("=", "+", "@", "-", "\t=", '"; import os; os.system("id") #', "# ", "")
_SCRIPT = "document.documentElement.setAttribute('{alive}','{n}')"


def payload(n: int) -> str:
    """The n-th text to plant: it begins in one of several ways, and holds every kind of payload."""
    script = _SCRIPT.format(alive=ALIVE, n=n)
    start = _STARTS[n % len(_STARTS)]
    text = (
        f'{start}HYPERLINK("http://{HOST}/{n}","x") N{n}N <script>{script}</script>'
        f'<img src="x{n}" onerror="{script}"> <svg/onload={script}> '
        f"[link](javascript:{script}) <javascript:{script}> ![i](http://{HOST}/{n}.png) "
        f"{{raw}}`<b>{n}</b>` `` {{{{ contact }}}} {{{script}}} $x_{n}$ $\\foo{n}$ %s {{0.__class__}} \\N "
        f"Llŷn ŵŷ 😀 日本 ../../CON:{n}|*?"
    )
    if n % 3 == 0:  # several lines: a fence closed and another opened
        text += (
            f"\n\n````\n```{{include}} ../../../../{SECRET}.txt\n```\n```{{raw}} html\n<script>{script}</script>\n```\n"
            f":::{{raw}} html\n<script>{script}</script>\n:::\n# Heading {n}\n"
        )
    return text


def short(n: int) -> str:
    """A payload for places with little room, such as a column of a table."""
    return f'=N{n}N"<img src=x onerror="{_SCRIPT.format(alive=ALIVE, n=n)}">$\\foo$'
