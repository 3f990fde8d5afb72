"""The models of a store, for commands: found by an address, or registered under a name.

MLflow is imported when the first of these is called. What it raises is one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.tracking.notices import Outage, Unusable
from huescape.tracking.settings import alone, installed, tracking_uri

if TYPE_CHECKING:
    from huescape.tracking.addresses import FoundModel
    from huescape.tracking.registry import Registry

_SCHEMES = ("models:/", "runs:/")
_LOCK = ".promote.lock"


def is_address(text: str) -> bool:
    """Whether a name of a model is an address of MLflow."""
    return text.startswith(_SCHEMES)


def find_model(address: str) -> FoundModel:
    """The model at `models:/NAME@ALIAS`, `models:/NAME/VERSION`, `models:/ID` or `runs:/RUN/NAME`.

    In the store that is set, in which nothing is changed. Raises HuescapeError where there is no
    store, no such model, or no mlflow.
    """
    with _told(None):
        from huescape.tracking.addresses import resolve
        from huescape.tracking.store import connect_to_read, outages

        store = connect_to_read()
        try:
            return resolve(store, address)
        except HuescapeError:
            raise
        except Exception:
            with outages():
                raise


@contextmanager
def open_registry(onto: str | None) -> Iterator[Registry]:
    """The registered models of a store, for one process at a time; None: the store that is set.

    Raises HuescapeError where the store cannot be used or is being promoted to.
    """
    with _told(onto):
        from huescape.tracking.registry import Registry
        from huescape.tracking.store import connect

        store = connect(onto)
        try:
            with alone(store.folder, _LOCK):
                yield Registry(store)
        except BlockingIOError as error:
            raise HuescapeError("another `huescape promote` is at work on this store") from error


@contextmanager
def _told(address: str | None) -> Iterator[None]:
    if not installed():
        raise HuescapeError("mlflow is not installed")
    try:
        yield
    except (Outage, Unusable) as error:
        raise HuescapeError(f"MLflow at {mask(address or tracking_uri())}: {error}") from error
