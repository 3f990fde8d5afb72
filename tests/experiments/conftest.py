"""The small project of the engines' tests."""

from tests.engines.conftest import made_by_dvc, project

__all__ = ["made_by_dvc", "project"]
