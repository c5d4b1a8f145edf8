"""The commands as a user types them, run in this process."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from evaluation import cli


def svd(*arguments: object) -> Any:
    """Run a command; an exception that the command line would turn into exit 1 is raised."""
    result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}).invoke(
        cli.app, [str(a) for a in arguments]
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
