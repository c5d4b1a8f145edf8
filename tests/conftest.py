"""Tests run as the commands do: one linear-algebra thread a process, set before numpy is loaded."""

from evaluation.cli import limit_threads

limit_threads()
