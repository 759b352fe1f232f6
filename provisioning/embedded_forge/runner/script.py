"""The shell scripts of a job, as GitLab's runner writes them: one bash for before_script and script together, errors
end it, each command is shown before it runs."""

import shlex

HEAD = "set -eo pipefail\nset +o noclobber\n"
AFTER_HEAD = "set -o pipefail\nset +o noclobber\n"


def render(commands: list[str], *, directory: str, is_after: bool = False) -> str:
    """`commands` run in `directory`. An after_script goes on after an error, as GitLab's does not count them."""
    parts = [AFTER_HEAD if is_after else HEAD, f"cd {shlex.quote(directory)}\n"]
    for command in commands:
        lines = command.strip("\n").split("\n")
        shown = lines[0] if len(lines) == 1 else f"{lines[0]} # collapsed multi-line command"
        parts.append(f"printf '%s\\n' {shlex.quote(f'$ {shown}')}\n{command}\n")
    return "".join(parts)
