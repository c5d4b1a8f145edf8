"""Interventions looked at while they run: each look taken, what the rule fixed in advance says, and how often it errs."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.judgement.stopping import NO_EFFECT, Watch
from evaluation.publication import numbers as say
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.tables import rows_table

VERDICT_WORDS = {
    "harm": "Stop: harm",
    "success": "Benefit shown",
    "futility": "Stop: no effect worth acting on",
    "go on": "Go on",
}


def running(watches: Sequence[Watch]) -> list[Block]:
    """Interventions looked at while they run, by rules fixed in advance, with the rules' error rates."""
    blocks: list[Block] = [
        paragraph(
            "Looking again and again until a result appears would always find one. So a running intervention is looked at only at the dates and by "
            "the rule that its plan fixed in advance, and how often that rule errs over all its looks together is found by simulation. Looks use the fast "
            "approximation; the finding itself comes from the evaluation."
        )
    ]
    for w in watches:
        if w.rule is None or not w.errors:
            blocks.append(paragraph(f"{w.title}: {_why_not(w)}"))
            continue
        blocks.append(paragraph(f"{w.title}: {_stand(w)}", "svd-lead"))
        looks = [
            (
                say.period_name(k.period),
                say.probability(k.benefit),
                say.probability(k.harm),
                say.probability(k.worth),
                VERDICT_WORDS[v],
            )
            for k, v in zip(w.looks, w.verdicts, strict=True)
        ]
        if looks:
            columns = [
                "Data up to",
                "Probability it helps",
                "Probability it harms",
                "Probability worth acting on",
                "The rule says",
            ]
            blocks.append(Table(rows_table(looks, columns), f"Looks taken: {w.title}", name=f"looks-{w.plan}"))
        errors = [
            (f"{truth[:1].upper()}{truth[1:]}", *(say.probability(e[v]) for v in VERDICT_WORDS))
            for truth, e in w.errors.items()
        ]
        blocks.append(
            Table(
                rows_table(errors, ["What is true", *VERDICT_WORDS.values()]),
                f"How often the rule ends so, over all {len(w.planned)} looks (simulated)",
                name=f"stopping-{w.plan}",
            )
        )
        blocks.append(paragraph(_naive(w)))
    return blocks


def running_lines(watches: Sequence[Watch]) -> list[str]:
    """The same for a terminal: where each rule stands, and how often it errs if the intervention does nothing."""
    lines = []
    for w in watches:
        if w.rule is None:
            continue
        if not w.errors:
            lines.append(f"Running: {w.title}: not looked at, because {w.why}.")
            continue
        idle = w.errors[NO_EFFECT]
        lines.append(
            f"Running: {w.title}: {_stand(w)} Over all {len(w.planned)} looks, of schemes without any effect this rule calls "
            f"{say.probability(idle['harm'])} harmful and {say.probability(idle['success'])} beneficial (simulated)."
        )
    return lines


def _naive(w: Watch) -> str:
    """What looking on without a rule would cost, and what one look would."""
    once, often = (w.peeking[way] for way in ("once", "always"))
    return (
        f"Of schemes without any effect, this rule calls {say.probability(w.errors[NO_EFFECT]['harm'] + w.errors[NO_EFFECT]['success'])} harmful or "
        f"beneficial over all its looks, against {say.probability(once)} if there were the last look only. Looking at every period from the "
        f"first look on and believing any probability of 95% would call {say.probability(often)} so: that is why nobody looks in between."
    )


def _why_not(w: Watch) -> str:
    return f"{w.why}." if w.rule is None else f"its rule could not be followed: {w.why}."


def _stand(w: Watch) -> str:
    left = [p for p in w.planned if p not in {k.period for k in w.looks}]
    following = f"next look with the data up to {say.period_name(left[0])}" if left else "no look is left"
    if w.decided is not None:
        return f"{VERDICT_WORDS[w.verdicts[w.decided]].lower()}, at the look of {say.period_name(w.looks[w.decided].period)}."
    return f"the rule says to go on; {following}."
