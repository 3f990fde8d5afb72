"""Measurements on one GPU, in one run of ten minutes: `python -m benchmarks.gpu`."""
