"""Views: every row of a tenant that they reach is reached through `tenants.access`.

What reaches rows: a manager (`PluginApp.objects`), a selector (`rows.apps()`), a related manager (`app.environments`),
a model handed to a function (`get_object_or_404(PluginApp, ...)`), SQL. Each must stand inside a call of `ASKING`, or
in a local variable that is used nowhere else. A module's function that gives such a queryset counts as a selector
itself.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.apps import apps

from tests.tenants.access.architecture.source import Function, Module, parents

# What asks the policies about a queryset, or reads a row again that was found so.
ASKING = {
    "tenants.access.restrict",
    *(
        f"tenants.access.finding.{name}"
        for name in ("get_visible", "get_organization", "get_app", "get_environment", "get_release")
    ),
    *(f"paas.portal.pages.{name}" for name in ("find_app", "find_environment", "find_release")),
}
_AGAIN = "tenants.access.finding.again"
# What is shown with the row that it is a part of; `all` reads what a selector brought along.
PARTS = {"environments", "subdomains", "steps", "reviews"}
_MANAGERS = {"objects", "_base_manager", "_default_manager"}
_SQL = {"django.db.connection.cursor", "django.db.connections"}
_QUERYSET_METHODS = {
    *("all", "filter", "exclude", "get", "first", "last", "exists", "count", "values", "values_list", "order_by"),
    *("select_related", "prefetch_related", "annotate", "aggregate", "in_bulk", "iterator", "latest", "earliest"),
    *("create", "get_or_create", "update_or_create", "update", "delete", "add", "remove", "set", "raw", "extra"),
}
_PASSES_MODELS = {"isinstance", "issubclass"}


def guarded_models() -> set[str]:
    """Every model of tenants and provisioning: tenants' rows, and what hangs under them."""
    return {model.__name__ for name in ("tenants", "provisioning") for model in apps.get_app_config(name).get_models()}


def related_managers() -> set[str]:
    """How one comes from a row to others: `environments`, `memberships`."""
    found = set()
    for model in (model for name in ("tenants", "provisioning") for model in apps.get_app_config(name).get_models()):
        found |= {str(relation.get_accessor_name()) for relation in model._meta.related_objects if relation.multiple}
        found |= {field.name for field in model._meta.many_to_many}
    return found - {"+", "None"}


@dataclass(frozen=True, order=True)
class Reach:
    """One way around the policies. `place` is `tenants.apps.api.apps.AppView.get`."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Guard:
    def __init__(self, watched: Iterable[Module]) -> None:
        self.modules = list(watched)
        self._models, self._related = guarded_models(), related_managers()
        self._selectors: set[str] = set()

    def reaches(self) -> list[Reach]:
        """Every reach that asks no policy."""
        while True:
            known = set(self._selectors)
            found = sorted({reach for module in self.modules for reach in self._of(module)})
            if known == self._selectors:
                return found

    def _of(self, module: Module) -> Iterator[Reach]:
        inside: set[ast.AST] = set()
        for name, function in module.functions.items():
            inside |= set(ast.walk(function))
            yield from self._of_function(module, name, function)
        for node in ast.walk(module.tree):
            if node not in inside and self._is_source(module, node) and not self._is_asked(module, node):
                yield Reach(module.name, ast.unparse(_statement(node)))

    def _of_function(self, module: Module, name: str, function: Function) -> Iterator[Reach]:
        held: set[str] = set()
        while True:
            hot = [node for node in ast.walk(function) if self._is_hot(module, node, held)]
            kept = {target for node in hot for target in _assigned(node)}
            if kept <= held:
                break
            held |= kept
        for node in hot:
            if _assigned(node):
                continue
            if isinstance(_statement(node), ast.Return) and name == function.name and _gives_queryset(function):
                self._selectors.add(f"{module.name}.{name}")
                continue
            yield Reach(f"{module.name}.{name}", ast.unparse(_statement(node)))

    def _is_hot(self, module: Module, node: ast.AST, held: set[str]) -> bool:
        is_use = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in held
        is_use = is_use and not _is_none_test(node)
        return (is_use or self._is_source(module, node)) and not self._is_asked(module, node)

    def _is_source(self, module: Module, node: ast.AST) -> bool:
        parent = getattr(node, "parent", None)
        if isinstance(node, ast.Attribute):
            if node.attr in _MANAGERS:
                return not (isinstance(parent, ast.Attribute) and parent.attr == "none")
            if node.attr in self._related:
                is_asked_for = isinstance(parent, ast.Attribute) and parent.attr in _QUERYSET_METHODS
                return is_asked_for and not (node.attr in PARTS and parent.attr == "all")
            return module.resolved(node) in _SQL
        if isinstance(node, ast.Call):
            called = module.resolved(node.func)
            return (
                ".selectors." in called
                or called.startswith("tenants.access.rows.")
                or called in self._selectors
                or called.endswith("get_user_model")
            )
        if isinstance(node, ast.Name) and isinstance(parent, ast.Call) and node is not parent.func:
            return self._is_model(module, node) and module.resolved(parent.func) not in _PASSES_MODELS
        return False

    def _is_model(self, module: Module, node: ast.Name) -> bool:
        package, _, name = module.imports.get(node.id, "").rpartition(".")
        return name in self._models and ".models" in f".{package}"

    def _is_asked(self, module: Module, node: ast.AST) -> bool:
        return any(isinstance(outer, ast.Call) and self._asks(module, outer) for outer in parents(node))

    def _asks(self, module: Module, call: ast.Call) -> bool:
        called = module.resolved(call.func)
        if called == _AGAIN:
            # What is made in the call was not found before.
            return len(call.args) == 2 and isinstance(call.args[1], ast.Name)
        return called in ASKING


def _assigned(node: ast.AST) -> set[str]:
    """The local variables that what is read here goes into."""
    statement = _statement(node)
    if isinstance(statement, ast.Assign) and node is not statement:
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        return set(names) if len(names) == len(statement.targets) else set()
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return {statement.target.id}
    return set()


def _statement(node: ast.AST) -> ast.AST:
    return node if isinstance(node, ast.stmt) else next(outer for outer in parents(node) if isinstance(outer, ast.stmt))


def _is_none_test(node: ast.AST) -> bool:
    test = getattr(node, "parent", None)
    return isinstance(test, ast.Compare) and all(isinstance(operator, ast.Is | ast.IsNot) for operator in test.ops)


def _gives_queryset(function: Function) -> bool:
    return function.returns is not None and "QuerySet" in ast.unparse(function.returns)
