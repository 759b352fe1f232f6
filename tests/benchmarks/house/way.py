"""The files that a release goes through between the API and the reload of the edge, found by following calls.

It begins with the view of an approval and with the steps of a deployment up to the one that makes the release live,
and follows each call that hands on a release, an operation or its run. The engine of workflows is left out: it calls
the steps, and knows nothing of releases.
"""

import ast

from tests.tenants.access.architecture.source import Module, modules

START = ("tenants.reviews.api.views.ApproveView.post", "provisioning.tasks.run_operation")
STEPS = (
    *("ensure_approved", "ensure_leases", "ensure_configuration_committed", "ensure_pipeline"),
    *("ensure_pipeline_finished", "ensure_healthy", "ensure_edge_switched"),
)
# The names under which functions hand a release on.
HANDED = {"release", "run", "operation", "deployment", "release_id", "operation_id"}
LEFT_OUT = ("tests.", "provisioning.operations.")


def files() -> list[str]:
    """Modules in the order of the first call; the edge's driver, which reloads nginx, ends the list."""
    known = {module.name: module for module in modules("tenants", "provisioning")}
    deploy = known["provisioning.releases.workflow.deploy"]
    todo = [START[0], "tenants.reviews.services.reviews.release_approve", START[1]]
    todo += [deploy.imports.get(step, f"{deploy.name}.{step}") for step in STEPS]
    seen: dict[str, None] = {}
    found: dict[str, None] = {}
    while todo:
        path = todo.pop(0)
        module = _module_of(path, known)
        if path in seen or module is None or module.name.startswith(LEFT_OUT):
            continue
        seen[path] = None
        found[module.name] = None
        function = module.functions.get(path.removeprefix(f"{module.name}."))
        if function is not None:
            todo += [module.resolved(call.func) for call in ast.walk(function) if _hands_on(call)]  # type: ignore[attr-defined]
    return [*found, "provisioning.edge.nginx"]


def _module_of(path: str, known: dict[str, Module]) -> Module | None:
    while path:
        path = path.rpartition(".")[0]
        if path in known:
            return known[path]
    return None


def _hands_on(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    handed = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(isinstance(value, ast.Name) and value.id in HANDED for value in handed)
