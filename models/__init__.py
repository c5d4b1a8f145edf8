"""Functional form as PyMC models. Knows nothing of plans, files or findings."""
