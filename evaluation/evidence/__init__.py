"""What was observed: tidy data, panels, coverage, and simulation for tests and the example."""
