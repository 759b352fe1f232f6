"""Reads source: which functions write rows through the ORM, under a unit of work or not, with an event or not."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps

_ALWAYS = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
# With keyword arguments alone; `dict.update(other)` and the clients of other systems have positional ones.
_BY_KEYWORDS = {"create", "update"}
_ON_MANY_TO_MANY = {"add", "set", "remove", "clear"}
_UNIT, _RECORD = "unit_of_work", "audit_record"


@dataclass(frozen=True)
class Write:
    """One call that writes. `statement` is the call as the source has it, without its arguments."""

    module: str
    function: str
    line: int
    statement: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function} (line {self.line}): {self.statement}"


@dataclass
class Function:
    """One function of a module, with those nested in it."""

    module: str
    name: str
    is_unit: bool
    is_recording: bool
    writes: list[Write] = field(default_factory=list)
    # What it calls, as `module.function` where that is known, else by its bare name in its own module.
    calls: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


def module_name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts)


def many_to_many() -> frozenset[str]:
    """The names by which rows lead to others through a table of their own."""
    names = {field.name for model in apps.get_models() for field in model._meta.many_to_many}
    return frozenset(names)


def functions_of(source: str, module: str, *, sets: frozenset[str]) -> Iterator[Function]:
    """Each function and method of the module; what stands outside of any is in the one called `<module>`."""
    tree = ast.parse(source)
    imported = _imported(tree)
    nodes: list[tuple[str, ast.AST]] = []
    outside = ast.Module(body=[], type_ignores=[])
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes.append((node.name, node))
        elif isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            nodes += [(f"{node.name}.{method.name}", method) for method in methods]
        else:
            outside.body.append(node)
    for name, body in [*nodes, ("<module>", outside)]:
        found = Function(module, name, _is_unit(body), False)
        for call in (part for part in ast.walk(body) if isinstance(part, ast.Call)):
            called = _called(call, imported, module)
            found.calls |= {called} if called else set()
            if statement := _write(call, sets):
                found.writes.append(Write(module, name, call.lineno, statement))
        found.is_recording = any(called.rpartition(".")[2] == _RECORD for called in found.calls)
        yield found


def _write(call: ast.Call, sets: frozenset[str]) -> str:
    """What the call writes, as text; empty where it writes nothing."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    name, owner = call.func.attr, ast.unparse(call.func.value)
    is_write = (
        name in _ALWAYS
        or (name in _BY_KEYWORDS and bool(call.keywords) and not call.args)
        or (name == "delete" and not call.args and not call.keywords)
        or (name in _ON_MANY_TO_MANY and owner.rpartition(".")[2] in sets and "." in owner)
        or (name in ("cursor", "execute") and "connection" in owner)
    )
    return f"{owner}.{name}" if is_write else ""


def _is_unit(node: ast.AST) -> bool:
    """Decorated as a unit, or one in which something happens under `with unit_of_work():`."""
    decorators = getattr(node, "decorator_list", [])
    if any(ast.unparse(decorator) == _UNIT for decorator in decorators):
        return True
    entered = [item.context_expr for part in ast.walk(node) if isinstance(part, ast.With) for item in part.items]
    return any(isinstance(found, ast.Call) and ast.unparse(found.func) == _UNIT for found in entered)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> `module.name`."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _called(call: ast.Call, imported: dict[str, str], module: str) -> str:
    match call.func:
        case ast.Name(id=name):
            return imported.get(name, f"{module}.{name}")
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in imported:
            return f"{imported[owner]}.{name}"
    return ""


def silent_services(functions: dict[str, Function], parts: set[str]) -> list[str]:
    """The public functions that write (or call what writes) and are no unit, or reach no `audit_record`.

    `parts` are public, but only ever called by services, which then tell what they did.
    """
    faults = []
    for path, function in functions.items():
        if function.name.startswith(("_", "<")) or path in parts:
            continue
        reached = _reached(functions, path)
        writes = [write for found in reached for write in functions[found].writes]
        if not writes:
            continue
        if not any(functions[found].is_recording for found in reached):
            faults.append(f"{path} writes, and records no event: {writes[0]}")
        loose = [write for found in _reached(functions, path, stop_at_units=True) for write in functions[found].writes]
        if not function.is_unit and loose:
            faults.append(f"{path} writes outside of a unit of work: {loose[0]}")
    return faults


def _reached(functions: dict[str, Function], start: str, *, stop_at_units: bool = False) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in functions:
            continue
        if stop_at_units and path != start and functions[path].is_unit:
            continue
        reached.add(path)
        waiting += functions[path].calls
    return reached
