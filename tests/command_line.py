"""The commands as a user types them, run in this process."""

from __future__ import annotations

from functools import cache
from typing import Any

import typer.testing

from evaluation import cli

# A command is built from the type hints of all commands, which takes a tenth of a second; a test calls dozens.
typer.testing._get_command = cache(typer.testing._get_command)


def svd(*arguments: object, width: int = 200) -> Any:
    """Run a command; an exception that the command line would turn into exit 1 is raised."""
    runner = typer.testing.CliRunner(env={"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"})
    result = runner.invoke(cli.app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
