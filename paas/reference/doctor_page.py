"""docs/reference/doctor.md, from the kinds of checks that the doctor has."""

from paas.doctor.examine import ROOMS
from paas.doctor.kinds import KINDS
from paas.reference.markdown import table

HEAD = """\
# The doctor's checks

`manage.py doctor` asks each part of the running installation whether it works. It prints one line for each check: `ok`,
`warn` (it works, and an operator should do something soon) or `fail` (it does not work, and the line says who must do
what). It ends with status 1 if a check fails. `--json` prints one document for monitors, `--limit S` sets the seconds
that one check may take. It changes nothing and prints no secret.

This page is written by `manage.py reference --write`; a test holds it equal.
"""


def render() -> str:
    parts = [HEAD]
    for room in ROOMS:
        rows = [(f"`{kind.shown}`", kind.asks, kind.acts) for kind in KINDS if kind.room == room]
        parts.append(f"\n## {room.capitalize()}\n\n{table(('check', 'what it asks', 'when it warns or fails'), rows)}")
    return "".join(parts)
