"""Ways to spoil a file: bytes, cells of a table, lines of YAML, parts of a workbook. Seeded, so that a case can be made again."""

from __future__ import annotations

import csv
import io
import random
import warnings
import zipfile
from collections.abc import Callable

# What stands where a number, a code or a word belongs, and is not quite one.
TOKENS = (
    "", " ", "0", "-0", "+5", "007", "1,234", "1.234,5", "1 234", "1_000", "1e3", "1e308", "1E400", "-1", "0.1", "12.0", "5.",
    "0.99999999999999999999", "1.00000000000000000001", "9007199254740993", "99999999999999999999", "1" * 400, "NaN", "nan",
    "inf", "-Infinity", ".nan", ".inf", "１２", "٣", "²", "½", "1\u20092", "12\u200b", "\u200b12", "\ufeff12", "12\u00a0", "−5", "5−",
    "O", "l2", "0x10", "0b11", "0o17", "0123", "12:30", "NO", "no", "y", "on", "true", "null", "~", "2024-03-04", "2024-13",
    "2024-3", "Mar-24", "２０２４-01", "2024‐01", "=1+1", "#REF!", "*", "<5", "c", "[1, 7]", "{a: 1}", "&a [*a]", "!!python/object:os",
    "|", ">", "- -", "? x", "%YAML 1.1", "---", "...", "@x", "`x`", "'", '"', '"; import os', "{area.__class__}", "../../escape",
    "/etc/passwd", "C:\\new", "CON", "\u202eevitagen", "مرسى", "שלום", "A\u200d01", "А01", "Ａ01", "a\u0301", "😀", "\x00", "\x1b[31m",
    "\x85", "\u2028", "\r", "\t", "x" * 5_000, "a,b", "a;b", "a\nb", "T01 ", " T01", "t01", "<script>alert(1)</script>",
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "cp1252", "utf-32", "utf-7", "cp037")
ANCHORS = (
    "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
    "a0: &a0 {x: y}\n" + "".join(f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(9))}}}\n" for i in range(1, 12)),
    "loop: &loop [*loop]\n",
    "deep: " + "[" * 3_000 + "]" * 3_000 + "\n",
    "deep: " + "{a: " * 3_000 + "1" + "}" * 3_000 + "\n",
    "<<: {id: other}\n",
)  # fmt: skip


def spoil_bytes(rng: random.Random, raw: bytes) -> bytes:
    """One to four blows at the bytes, knowing nothing of the format."""
    out = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        to = min(len(out), at + rng.randint(1, 1 + len(out) // 4))
        blow = rng.randrange(8)
        if blow == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif blow == 1:
            del out[at:to]
        elif blow == 2:
            out[at:at] = out[at:to]
        elif blow == 3:
            del out[at:]
        elif blow == 4:
            out[at:at] = rng.choice(TOKENS).encode("utf-8")
        elif blow == 5:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 6)))
        elif blow == 6:
            out[at:at] = rng.choice(
                (b"\x00", b"\r", b"\n", b'"', b",", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80")
            )
        elif out:
            out[at % len(out)] = rng.choice(b"\x00\t\n\r \"#*&!|>%@`,[]{}:-?'0123456789\x80\xff")
    return bytes(out)


def spoil_encoding(rng: random.Random, raw: bytes) -> bytes:
    """The same text in another encoding, with another end of line, or said twice."""
    text = raw.decode("utf-8", "replace")
    choice = rng.randrange(5)
    if choice == 0:
        return text.encode(rng.choice(ENCODINGS), "replace")
    if choice == 1:
        return text.replace(
            "\n", rng.choice(("\r\n", "\r", "\n\n", "\x85", "\u2028", "\n\x00", "\x0b", "\x0c"))
        ).encode()
    if choice == 2:
        return (text + text).encode()
    if choice == 3:
        return (text.replace(" ", rng.choice(("\t", "\u00a0", "\u200b", "\u3000"))).encode())  # fmt: skip
    return (text.rstrip("\n") + rng.choice(("", "\x1a", "\n" * 2_000, " " * 200_000, "x" * 200_000))).encode()


def spoil_table(rng: random.Random, rows: list[list[str]]) -> list[list[str]]:
    """Cells, columns, rows and names of a table."""
    rows = [list(row) for row in rows]
    for _ in range(rng.randint(1, 3)):
        blow = rng.randrange(10)
        y = rng.randrange(len(rows)) if rows else 0
        x = rng.randrange(max(len(rows[y]), 1)) if rows else 0
        other = rng.randrange(max(len(rows[0]), 1)) if rows else 0
        if not rows or not rows[y]:
            return rows
        if blow <= 3:
            below = rng.randrange(1, len(rows)) if len(rows) > 1 else 0
            if x < len(rows[below]):
                rows[below][x] = rng.choice(TOKENS)
        elif blow == 4:
            rows[0][x % max(len(rows[0]), 1)] = rng.choice((*TOKENS[:20], *rows[0]))
        elif blow == 5:  # columns change places, names stay
            for row in rows[1:]:
                if max(x, other) < len(row):
                    row[x], row[other] = row[other], row[x]
        elif blow == 6:
            rows.insert(rng.randrange(len(rows) + 1), list(rows[y]))
        elif blow == 7:
            rows = [row[:x] + row[x + 1 :] for row in rows] if rng.random() < 0.5 else rows[:y] + rows[y + 1 :]
        elif blow == 8:
            rows[y] = [*rows[y], rng.choice(TOKENS)] if rng.random() < 0.5 else rows[y][:-1]
        else:
            rows = [[*row, row[x] if x < len(row) else ""] for row in rows]
    return rows


def written_csv(rows: list[list[str]]) -> bytes:
    """Rows as a spreadsheet writes them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def spoil_csv(rng: random.Random, raw: bytes) -> bytes:
    """Any of the above, on a CSV file."""
    choice = rng.random()
    if choice < 0.65:
        return written_csv(spoil_table(rng, list(csv.reader(io.StringIO(raw.decode("utf-8"))))))
    return spoil_bytes(rng, raw) if choice < 0.9 else spoil_encoding(rng, raw)


def spoil_yaml(rng: random.Random, raw: bytes) -> bytes:
    """Lines and scalars of a YAML file, and what YAML knows that nobody should use."""
    choice = rng.random()
    if choice > 0.8:
        return spoil_bytes(rng, raw) if choice < 0.94 else spoil_encoding(rng, raw)
    lines = raw.decode("utf-8").split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        blow = rng.randrange(8)
        head, colon, tail = lines[at].partition(":")
        if blow <= 2 and colon:
            lines[at] = f"{head}: {rng.choice(TOKENS)}"
        elif blow == 3:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif blow == 4:
            del lines[at]
            lines = lines or [""]
        elif blow == 5:
            lines[at] = rng.choice(("  ", "\t", "- ", "? ", "!!str ", "&a ", "*a ", "<<: ", "# ")) + lines[at]
        elif blow == 6 and tail:
            parts = tail.replace("}", " }").replace("]", " ]").split(" ")
            parts[rng.randrange(len(parts))] = rng.choice(TOKENS)
            lines[at] = f"{head}:{' '.join(parts)}"
        else:
            lines.insert(
                at, rng.choice(ANCHORS) if rng.random() < 0.3 else f"{rng.choice(TOKENS)}: {rng.choice(TOKENS)}"
            )
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def spoil_json(rng: random.Random, raw: bytes) -> bytes:
    """Values of a JSON file."""
    if rng.random() < 0.5:
        return spoil_bytes(rng, raw)
    parts = raw.decode("utf-8").split(",")
    at = rng.randrange(len(parts))
    told = (
        "null",
        "[]",
        "{}",
        "NaN",
        "Infinity",
        "1e999",
        "1" * 5_000,
        '"１２"',
        "true",
        "[" * 100_000,
        "1_0",
        "-0",
        '"\\ud800"',
    )
    head, colon, _ = parts[at].partition(":")
    parts[at] = f"{head}{colon}{rng.choice(told)}" if colon and rng.random() < 0.7 else rng.choice(told)
    return ",".join(parts).encode()


def spoil_zip(rng: random.Random, raw: bytes) -> bytes:
    """An archive: its bytes, the names and contents of its members, and members that unfold without end."""
    if rng.random() < 0.4:
        return spoil_bytes(rng, raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = rng.choice(list(members))
    blow = rng.randrange(7)
    if blow == 0:
        members[rng.choice(("../../escape.csv", "/escape.csv", "..\\escape.csv", "a/../../escape.csv", "\x00.csv"))] = (
            members.pop(name)
        )
    elif blow == 1:
        members[name] = b"0" * (80 << 20)
    elif blow == 2:
        del members[name]
    elif blow == 3:
        members[name] = spoil_bytes(rng, members[name])
    elif blow == 4:
        members[f"nested-{name}.zip"] = raw
    elif blow == 5:
        members[name] = rng.choice(TOKENS).encode()
    else:
        text = members[name]
        for _ in range(3):
            text = text.replace(rng.choice((b"1", b"2", b"5", b"<v>", b"</c>", b'r="')), rng.choice(TOKENS).encode(), 1)
        members[name] = text
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
            if blow == 6 and rng.random() < 0.1:
                archive.writestr(member, content[::-1])  # two members of one name
    return out.getvalue()


SPOILERS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "csv": spoil_csv,
    "yaml": spoil_yaml,
    "json": spoil_json,
    "zip": spoil_zip,
    "bytes": spoil_bytes,
}
