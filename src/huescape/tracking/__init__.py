"""Experiment tracking: live curves to MLflow while its store answers, finished folders always."""

from huescape.tracking.membership import Membership
from huescape.tracking.outbox import addresses, forget
from huescape.tracking.recorder import Recorder
from huescape.tracking.sessions import (
    attach,
    attach_member,
    attach_shipped,
    publish_folders,
    start_sweep,
    start_training,
)
from huescape.tracking.settings import absolute_uri

__all__ = [
    "Membership",
    "Recorder",
    "absolute_uri",
    "addresses",
    "attach",
    "attach_member",
    "attach_shipped",
    "forget",
    "publish_folders",
    "start_sweep",
    "start_training",
]
