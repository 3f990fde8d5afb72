"""Landscapes that are rendered, not taken: the sample that comes with the project."""
