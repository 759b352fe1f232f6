"""The page that lists every error of the work behind an app: its code, whose move it is, and the next step."""

from provisioning.exceptions import PermanentError, ProvisioningError
from provisioning.operations.selectors.moves import error_classes

HEAD = """\
# Errors and whose move they are

Work on an app (provisioning it, checking a release, deploying it, retiring it) ends with an error that says whose move
it is. `GET /api/v1/deployments/{id}/` has it as `error` (its first line says what is wrong, in which file and line),
`error_code`, `whose_move` and `next_step`; a release has `error` and `whose_move`; the portal shows the same.

`whose_move` is one of `developer`, `reviewer`, `operator`, or `nobody`: then Berth goes on by itself. It is null if
there is nothing left to do. Steps that come after the one that failed are `not_reached`.

This page is written by `manage.py reference --write` from the classes in the code; a test holds it equal.

| code | whose move | what it means | next step |
| --- | --- | --- | --- |
"""
TAIL = """
## Lines of the pipeline

The pipeline runs `deploy.sh`. A line that begins with `berth: refused:` names what the developer must change: it
becomes `release_refused`, with all such lines. A line that begins with `berth: failed:` is the operator's. One with
`berth: retry:` before it may pass by itself: Berth starts the pipeline up to two times more. Berth also starts another
pipeline, and tells nobody, if a port or a network of its range turns out to be somebody else's.
"""


def error_reference() -> str:
    """The page as Markdown. Classes that are never raised themselves are left out."""
    classes = [error for error in error_classes() if error not in (ProvisioningError, PermanentError)]
    rows = [
        f"| `{error.code}` | {error.actor.value} | {_meaning(error)} | {error.next_step} |"
        for error in sorted(classes, key=lambda error: (error.actor.value, error.code))
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _meaning(error: type[ProvisioningError]) -> str:
    return " ".join((error.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")
