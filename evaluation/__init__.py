"""Evaluation of interventions and review of strategy under the Serious Violence Duty."""

from importlib.util import find_spec
from pathlib import Path


def _refuse_foreign_models() -> None:
    """Stop if another distribution's ``models`` stands before ours on the path: its models are not the ones described."""
    ours = Path(__file__).resolve().parent.parent / "models" / "__init__.py"
    spec = find_spec("models")
    found = Path(spec.origin).resolve() if spec and spec.origin else None
    if found != ours:
        raise ImportError(
            f"Another package called `models` hides ours: found {found or 'a folder without code'}, expected {ours}. "
            "Install svd-evaluation into an environment of its own, and run it from another folder."
        )


_refuse_foreign_models()
