"""Services: whoever acts is asked for, and the policies are asked about them.

A service that names its `actor` comes to `access.require` or `access.changing`, itself or through what it calls. One
without an actor is the platform's own: no view may call it.
"""

import ast
from collections.abc import Iterable

from tests.tenants.access.architecture.source import Function, Module

_ASKS = {"tenants.access.require", "tenants.access.changing"}


class Services:
    def __init__(self, watched: Iterable[Module]) -> None:
        self._functions = {
            f"{module.name}.{name}": (module, function)
            for module in watched
            for name, function in module.functions.items()
        }
        self._mentions = {name: _mentioned(*found) for name, found in self._functions.items()}

    def that_ask_nothing(self) -> set[str]:
        """Services that name an actor, and ask no policy about them."""
        return {name for name in self._public() if _has_actor(self._functions[name][1]) and not self._asks(name)}

    def without_actor_in(self, views: Iterable[Module]) -> set[str]:
        """Services without an actor that one of `views` mentions."""
        mentioned = {name for view in views for name in view.imports.values()} | {
            name for view in views for function in view.functions.values() for name in _mentioned(view, function)
        }
        return {name for name in self._public() & mentioned if not _has_actor(self._functions[name][1])}

    def _public(self) -> set[str]:
        return {name for name in self._functions if not name.rpartition(".")[2].startswith("_")}

    def _asks(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        mentions = self._mentions.get(name, set())
        if mentions & _ASKS:
            return True
        return any(self._asks(other, seen | {name}) for other in mentions & self._functions.keys() - seen - {name})


def _mentioned(module: Module, function: Function) -> set[str]:
    """What a function calls, or hands on to be called."""
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute))
    return {module.resolved(name) for name in names}


def _has_actor(function: Function) -> bool:
    arguments = function.args
    return "actor" in {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}
