"""Variables of jobs: their values in each other's values, in GitLab's order of precedence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\$|\$(\w+)|\$\{(\w+)\}")
# Of one value, in characters; the kernel takes no longer ones into an environment than 128 KiB.
MAX_EXPANDED = 64 * 1024
MAX_DEPTH = 100


@dataclass(frozen=True)
class JobVariable:
    """`is_raw` values are taken as they are; `is_file` ones are written to a file, and the variable is its path."""

    key: str
    value: str
    is_raw: bool = False
    is_file: bool = False
    is_masked: bool = False


def expand(text: str, values: dict[str, str]) -> str:
    """`$NAME` and `${NAME}` by their values, unknown ones by nothing, `$$` by a dollar sign."""
    return _REFERENCE.sub(lambda match: "$" if match[0] == "$$" else values.get(match[1] or match[2], ""), text)


def merge(*layers: Iterable[JobVariable]) -> dict[str, JobVariable]:
    """One variable a name; later layers win. References are expanded; one that leads back to where it came from, or
    goes on for too long, stands for nothing."""
    chosen = {variable.key: variable for layer in layers for variable in layer}
    done: dict[str, str] = {}
    open_keys: set[str] = set()

    def value_of(key: str) -> str:
        if key in done:
            return done[key]
        variable = chosen.get(key)
        if variable is None or key in open_keys or len(open_keys) > MAX_DEPTH:
            return ""
        result = variable.value
        if not variable.is_raw and not variable.is_file and "$" in result:
            open_keys.add(key)
            result = expand(result, {name: value_of(name) for name in references(result)})[:MAX_EXPANDED]
            open_keys.remove(key)
        done[key] = result
        return result

    return {
        key: JobVariable(key, value_of(key), variable.is_raw, variable.is_file, variable.is_masked)
        for key, variable in chosen.items()
    }


def references(text: str) -> set[str]:
    return {name for match in _REFERENCE.finditer(text) if (name := match[1] or match[2])}


def scope_matches(scope: str, environment: str) -> bool:
    """Whether a variable of `environment_scope` reaches a job of that environment ("": a job of none)."""
    if scope == "*":
        return True
    if not environment:
        return False
    return re.fullmatch(".*".join(map(re.escape, scope.split("*"))), environment) is not None
