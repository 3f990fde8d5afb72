"""Experiment tracking: a journal on disk first, MLflow when it answers."""

from huescape.tracking.membership import Membership
from huescape.tracking.recorder import Recorder
from huescape.tracking.sessions import (
    absolute_uri,
    attach,
    attach_member,
    replay,
    start_sweep,
    start_training,
    undelivered,
)

__all__ = [
    "Membership",
    "Recorder",
    "absolute_uri",
    "attach",
    "attach_member",
    "replay",
    "start_sweep",
    "start_training",
    "undelivered",
]
