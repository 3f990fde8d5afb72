"""Many points of the parameters, each run in a copy of the project: sweeps and comparisons."""
