"""huescape: a reproducible data and training pipeline for automatic image colorization."""

__version__ = "0.1.0"
