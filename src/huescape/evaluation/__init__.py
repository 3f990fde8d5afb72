"""Scoring a system and the baselines on the test photos, photo by photo."""
