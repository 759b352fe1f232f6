"""Import circles between modules, found by grimp, which import-linter stands on."""

import grimp

PACKAGES = ("paas", "provisioning", "tenants")


def circles() -> list[list[str]]:
    """Groups of modules that import each other in a circle when Python loads them."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    following = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return [sorted(group) for group in connected(following) if len(group) > 1]


def connected(following: dict[str, set[str]]) -> list[set[str]]:
    """Strongly connected groups: Kosaraju's algorithm, without recursion."""
    order: list[str] = []
    seen: set[str] = set()
    for start in following:
        stack = [(start, iter(following[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            for other in rest:
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(following[other])))
                    break
            else:
                stack.pop()
                order.append(node)
    leading: dict[str, set[str]] = {node: set() for node in following}
    for node, others in following.items():
        for other in others:
            leading[other].add(node)
    groups: list[set[str]] = []
    placed: set[str] = set()
    for start in reversed(order):
        if start in placed:
            continue
        group, todo = set[str](), [start]
        while todo:
            node = todo.pop()
            if node not in placed:
                placed.add(node)
                group.add(node)
                todo += leading[node]
        groups.append(group)
    return groups
