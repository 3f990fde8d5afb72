"""Scores of predicted colors: pure functions on arrays, accumulators over photos; no files."""
