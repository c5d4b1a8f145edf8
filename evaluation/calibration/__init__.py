"""Does the method keep its word? Coverage of its intervals, and simulation-based calibration, as stored results."""
