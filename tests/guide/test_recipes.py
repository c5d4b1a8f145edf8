"""The developer's recipes, executed as they stand on their page and then used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from evaluation import cli_import
from evaluation.errors import InputError
from evaluation.evidence.sources.registry import SOURCES
from evaluation.inference import examination
from evaluation.judgement.findings import DOUBTS
from evaluation.publication.staging import Stage
from evaluation.publication.verdict import CHECK_NAMES
from models import likelihoods
from tests.guide.pages import DEVELOPING, read_blocks
from tests.inference.fabricated import frame
from tests.models.test_likelihoods import observed_at

PAGE = DEVELOPING / "recipes.md"


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """What the page defines; what it registers is taken back afterwards."""
    registries: tuple[dict[str, Any], ...] = (SOURCES, CHECK_NAMES, DOUBTS)  # type: ignore[assignment]
    before = [dict(registry) for registry in registries]
    commands = list(cli_import.app.registered_commands)
    names: dict[str, Any] = {"__name__": "recipes"}
    try:
        for block in read_blocks(PAGE):
            if block.kind == "python":
                exec(compile("\n" * block.line + block.text, str(PAGE), "exec"), names)
        yield names
    finally:
        cli_import.app.registered_commands[:] = commands
        for registry, kept in zip(registries, before, strict=True):
            registry.clear()
            registry.update(kept)


def run(*arguments: object) -> Any:
    import typer.main
    from typer.testing import CliRunner

    assert typer.main
    return CliRunner(env={"NO_COLOR": "1"}).invoke(cli_import.app, [str(a) for a in arguments])


@pytest.fixture
def imports(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The commands with the new one among them; those of other tests are remembered without it."""
    import typer.main
    import typer.testing

    monkeypatch.setattr(typer.testing, "_get_command", typer.main.get_command)
    return run


def test_the_source_is_a_command_that_files_data_and_provenance(imports: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text('Beat,Month,Incidents\nNorth,2024-01,4\nNorth,2024-02,"1,200"\nTotal,2024-02,1204\n')
    done = imports("wardens", log, "--into", tmp_path / "review")
    assert done.exit_code == 0, done.output
    assert "3 rows read, 2 counted" in done.stdout
    filed = (tmp_path / "review/data/warden_incidents.csv").read_text()
    assert "North,2024-01,4" in filed and "North,2024-02,1200" in filed


def test_the_source_names_every_row_that_is_wrong(imports: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("Beat,Month,Incidents\nNorth,Thursday,4\nNorth,2024-02,1.5\n")
    done = imports("wardens", log, "--into", tmp_path / "review")
    assert done.exit_code == 2
    assert "log.csv, row 2, Month" in done.stderr and "log.csv, row 3, Incidents" in done.stderr
    assert not (tmp_path / "review").exists()


def test_the_check_passes_fails_and_cannot_be_made(told: dict[str, Any]) -> None:
    check = told["enough_before"]
    counts = np.full((2, 40), 9.0)
    assert check(frame(counts, [24, 40])).passed is True
    short = check(frame(counts, [23, 40]))
    assert short.passed is False and "23 months" in short.sentence
    assert check(frame(counts, [24, 40], per_year=4.0)).passed is None


def test_the_check_is_asked_with_the_others(told: dict[str, Any]) -> None:
    asked = told["plan_checks"](frame(np.full((3, 40), 9.0), [24, 40, 40]), 0.95)
    assert [a.name for a in asked][-1] == "enough_before" and len(asked) > 3
    assert told["plan_checks"].__doc__ == examination.plan_checks.__doc__
    assert told["CHECK_NAMES"]["enough_before"] and told["DOUBTS"]["enough_before"] == "drift"


def test_the_likelihood_is_the_density_of_another_library(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = told["observe_geometric"]
    monkeypatch.setattr(likelihoods, "observe", lambda eta, data, structure, _: chosen(eta, data, structure))
    counts = np.random.default_rng(2).poisson(6.0, (2, 8)).astype(float)
    counts[0, 3] = np.nan
    eta = np.random.default_rng(3).normal(1.8, 0.3, counts.shape)
    of = frame(counts, [4, 8], likelihood="poisson", low=counts, high=counts)
    known = np.isfinite(counts)
    mu = np.exp(eta)[known]
    expected = stats.nbinom(1, 1 / (1 + mu)).logpmf(counts[known]).sum()
    assert observed_at(of, eta) == pytest.approx(expected)
    assert expected != pytest.approx((stats.poisson(mu).logpmf(counts[known]) + gammaln(counts[known] + 1)).sum())


def test_the_chapter_is_staged_and_escapes_what_it_shows(told: dict[str, Any], tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    line = told["stage_places"](stage, {"T01": "North", "T02": "<script>alert(1)</script>"})
    page = (tmp_path / f"{line['file']}.md").read_text(encoding="utf-8")
    assert "The review covers 2 areas." in page and "<script>" not in page and "&lt;script&gt;" in page


def test_the_reader_refuses_a_log_without_rows(told: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("Beat,Month,Incidents\nTotal,2024-02,1204\n")
    with pytest.raises(InputError, match="no rows of data"):
        told["read_wardens"]([log])


def test_what_the_recipes_name_exists() -> None:
    """A file or function that a recipe sends its reader to must be there."""
    import re

    root = PAGE.parents[2]
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:evaluation|models|tests|book|reports)/[\w/.]+\.(?:py|md|csv))", text))
    assert named and not [name for name in named if not (root / name).exists()]
    for file, function in re.findall(r"`([\w/]+\.py): (\w+)`", text):
        place = next(p for p in (root / file, *(root / "evaluation").rglob(Path(file).name)) if p.is_file())
        assert re.search(rf"^(def |class )?{function}\b", place.read_text(encoding="utf-8"), re.MULTILINE), (
            file,
            function,
        )
