"""Things of one kind, one a file, found by name: networks, losses, sources of photos.

A file more is a thing more. The options of a thing are those of its constructor: their hints are
checked, their defaults filled in, and stand nowhere else.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from huescape.base.errors import ParamsError
from huescape.params.messages import explain, short

T = TypeVar("T")

_PACKAGE = Path(__file__).parents[1]
_CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The things that extend `base`, by name.

    Attributes:
        base: what each extends; a file holds one such class.
        folder: where they are, relative to the package.
        key: how params.yaml names one: `network.name`.
        parts: files of the folder that hold something else.
        own: what a file beside the preset of the same name is called; None where there is none.
        given: how many of a constructor's arguments come first and are no options.
    """

    base: type[T]
    folder: str
    key: str
    parts: frozenset[str] = frozenset()
    own: str | None = None
    given: int = 1

    def names(self) -> list[str]:
        """The names that there are."""
        published = {path.stem for path in (_PACKAGE / self.folder).glob("[!._]*.py")}
        return sorted(published - self.parts | self._own_names())

    def is_own(self, name: str) -> bool:
        """Whether the file lies beside the preset of the same name."""
        return name in self._own_names()

    def find(self, name: str) -> type[T]:
        """The class of that name; ParamsError names the allowed ones."""
        if name not in self.names():
            raise ParamsError(f"{self.key} is {short(name)}; allowed: {', '.join(self.names())}")
        path = f"presets.{name}.{self.own}" if self.is_own(name) else f"{self.folder}.{name}"
        module = self._imported(f"huescape.{path.removesuffix('.py').replace('/', '.')}", name)
        found = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, self.base)
            if kind.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise ParamsError(
                f"{self.key} is {name!r}: {module.__name__} defines {len(found)} classes that "
                f"extend {self.base.__name__}; allowed: one"
            )
        return found[0]

    def check(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of `name`, checked, with its defaults.

        Raises ParamsError: `network.<key>: …`, what is wrong and what is allowed.
        """
        model = self.model(name)
        try:
            return dict(model.model_validate(dict(options)))
        except ValidationError as error:
            prefix = self.key.split(".")[:-1]
            schema = model.model_json_schema()
            raise ParamsError(explain(error.errors()[0], options, schema, prefix)) from error

    def build(self, name: str, options: Mapping[str, Any], *given: Any) -> T:
        """The thing called `name`, from what is given and its checked options."""
        return self.find(name)(*given, **self.check(name, options))

    def model(self, name: str) -> type[BaseModel]:
        """The options of `name` as a model: one field for each argument of its constructor."""
        kind = self.find(name)
        if issubclass(kind, BaseModel):
            return kind
        hints = get_type_hints(kind.__init__, include_extras=True)
        arguments = list(inspect.signature(kind).parameters.items())[self.given :]
        fields: dict[str, Any] = {
            key: (hints.get(key, Any), ... if one.default is one.empty else one.default)
            for key, one in arguments
        }
        return create_model(name, __config__=_CONFIG, __doc__=kind.__doc__, **fields)

    def _imported(self, module: str, name: str) -> ModuleType:
        try:
            return importlib.import_module(module)
        except (SyntaxError, ImportError) as error:
            raise ParamsError(
                f"{self.key} is {name!r}: {module} cannot be imported: {error}"
            ) from error

    def _own_names(self) -> frozenset[str]:
        if self.own is None:
            return frozenset()
        return frozenset(path.parent.name for path in (_PACKAGE / "presets").glob(f"*/{self.own}"))
