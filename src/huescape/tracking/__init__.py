"""Experiment tracking: a journal on disk first, MLflow when it answers."""

from huescape.tracking.recorder import Recorder
from huescape.tracking.sessions import attach, replay, start_training, undelivered

__all__ = ["Recorder", "attach", "replay", "start_training", "undelivered"]
