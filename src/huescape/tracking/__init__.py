"""Experiment tracking: live curves to MLflow while its store answers, finished folders always.

And back: models of a store by their address, versions of a registered model.
"""

from huescape.tracking.membership import Membership
from huescape.tracking.models import find_model, is_address, open_registry
from huescape.tracking.outbox import addresses, forget
from huescape.tracking.recorder import Recorder
from huescape.tracking.sessions import (
    attach,
    attach_member,
    attach_reports,
    attach_shipped,
    evaluation_of,
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
    "attach_reports",
    "attach_shipped",
    "evaluation_of",
    "find_model",
    "forget",
    "is_address",
    "open_registry",
    "publish_folders",
    "start_sweep",
    "start_training",
]
