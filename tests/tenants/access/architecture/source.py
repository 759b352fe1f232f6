"""Modules as syntax trees, and what the names in them stand for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """`name` as one imports it: `tenants.rest.base`."""

    name: str
    tree: ast.Module

    @classmethod
    def of(cls, name: str, text: str) -> "Module":
        tree = ast.parse(text)
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]
        return cls(name, tree)

    @cached_property
    def imports(self) -> dict[str, str]:
        """Name here -> what it stands for: `rows` -> `tenants.access.rows`."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.asname or alias.name: alias.name for alias in node.names}
        return found

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Every function and method by its name in the module: `AppView.get`. Nested ones belong to the outer one."""
        return {".".join(path): node for path, node in _functions(self.tree, ())}

    def resolved(self, node: ast.expr) -> str:
        """What an expression names, as far as names tell: `tenants.access.restrict`; empty where it names nothing."""
        if isinstance(node, ast.Name):
            if node.id in self.imports:
                return self.imports[node.id]
            return f"{self.name}.{node.id}" if node.id in self.functions else node.id
        if isinstance(node, ast.Attribute):
            outer = self.resolved(node.value)
            return f"{outer}.{node.attr}" if outer else ""
        return ""


def _functions(node: ast.AST, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield (*path, child.name), child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, (*path, child.name))
        elif isinstance(child, ast.If | ast.Try | ast.With):
            yield from _functions(child, path)


def modules(*packages: str, inside: tuple[str, ...] = ()) -> list[Module]:
    """All modules of the packages; with `inside`, those whose path below the package has one of these names in it."""
    found = []
    for package in packages:
        home = ROOT.joinpath(*package.split("."))
        for path in sorted(home.rglob("*.py")):
            parts = path.relative_to(home).with_suffix("").parts
            if inside and not set(parts) & set(inside):
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append(Module.of(name, path.read_text()))
    return found


def parents(node: ast.AST) -> Iterator[ast.AST]:
    """From the inside out."""
    while (node := getattr(node, "parent", None)) is not None:  # type: ignore[assignment]
        yield node
