"""What pooling did on made-up portfolios: from the stored study, never typed."""

from pathlib import Path

from evaluation.calibration.results import read_results
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.tables import rows_table

STUDY = "portfolios"


def study_blocks(folder: Path | None = None) -> list[Block]:
    """Errors, winners and luck, a row for each kind of portfolio; says so where nothing was measured.

    Args:
        folder: of the stored results; by default those that travel with the program.
    """
    table = read_results(STUDY, folder)
    if table is None or table.empty:
        return [paragraph("What pooling does has not been measured yet.")]
    null = table[(table["mean"] == 0) & (table["spread"] == 0)]
    better = int((table["mse_pooled"] < table["mse_apart"]).sum())
    ratio = table["mse_pooled"] / table["mse_apart"]
    said = (
        f"Tried on made-up portfolios whose true effects are known: pooled estimates had the smaller mean squared error in {better} of "
        f"{len(table)} kinds of portfolio ({100 * ratio.min():.0f}% to {100 * ratio.max():.0f}% of that of the separate findings)."
    )
    if len(null):
        luck = ", ".join(
            f"{found:.2f} against {expected:.2f}"
            for found, expected in zip(null["promising"], null["expected_by_luck"], strict=True)
        )
        said += (
            f" Where nothing works at all, at least one intervention of the portfolio looked like a winner on its own in "
            f"{100 * null['winner_apart'].min():.0f}% to {100 * null['winner_apart'].max():.0f}% of portfolios, and pooled in "
            f"{100 * null['winner_pooled'].min():.1f}% to {100 * null['winner_pooled'].max():.1f}%. Promising findings in a portfolio of "
            f"{', '.join(str(int(n)) for n in null['interventions'])}, found against expected by luck: {luck}. The allocation view, which "
            f"buys whatever is worth its cost on balance, would buy {100 * null['bought'].min():.0f}% to {100 * null['bought'].max():.0f}% "
            f"of such schemes, and call {100 * null['shown_to_pay'].min():.1f}% to {100 * null['shown_to_pay'].max():.1f}% shown to pay."
        )
    rows = [
        (int(r["interventions"]), f"{100 * r['mean']:+.0f}%".replace("-", "−"), f"{100 * r['spread']:.0f}%",
         f"{100 * r['mse_apart'] ** 0.5:.1f}", f"{100 * r['mse_pooled'] ** 0.5:.1f}", round(100 * r["winner_apart"], 1),
         round(100 * r["winner_pooled"], 1), round(100 * r["bought"], 1), round(100 * r["shown_to_pay"], 1),
         round(100 * r["worth_buying"], 1))
        for _, r in table.iterrows()
    ]  # fmt: skip
    head = ["Interventions", "True mean change", "Spread of true changes", "Typical error, apart (points)", "Typical error, pooled (points)",
            "Portfolios with a winner, apart (%)", "With a winner, pooled (%)", "Schemes the allocation buys (%)",
            "Bought and shown to pay (%)", "Schemes worth buying (%)"]  # fmt: skip
    stamp = table.iloc[0]
    made = f"Measured on {stamp['date']}, {int(stamp['simulations'])} portfolios of each kind, by svd calibrate {STUDY} --size full (commit {stamp['commit']})."
    return [
        paragraph(said),
        Table(rows_table(rows, head), "Pooling on made-up portfolios", name="portfolio-study", kind="svd-wide", download=table),
        paragraph(f"A winner is an interval wholly on the better side. Typical errors are on the log scale. {made}", "svd-note"),
    ]  # fmt: skip
