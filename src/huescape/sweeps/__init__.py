"""Sweeps: the whole graph at many points of the parameters, in a place of their own."""

from huescape.sweeps.run import run_sweep

__all__ = ["run_sweep"]
