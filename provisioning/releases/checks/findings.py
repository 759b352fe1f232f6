"""What a check has found, as plain data that is kept with the release."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING = "error", "warning"
# So many findings are kept with a release.
KEPT = 100


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`check` names the kind (`name`, `link`, `lfs`, `php`, ...), `severity` is `error` or `warning`.

    `path` is empty if the finding is about the commit as a whole, `line` None if it is about no single line.
    """

    check: str
    severity: str
    path: str
    line: int | None
    message: str

    @property
    def text(self) -> str:
        """One line for people, with file and line number."""
        return self.message if self.line is None else f"{self.path}, line {self.line}: {self.message}"


def as_check(name: str, findings: Sequence[Finding], *, detail: str, **more: Any) -> dict[str, Any]:
    """One entry of a release's checks: `passed`, `warned` or `failed`, and what was found, errors first."""
    ordered = sorted(findings, key=lambda found: found.severity != ERROR)
    severities = {found.severity for found in ordered}
    state = "failed" if ERROR in severities else "warned" if severities else "passed"
    kept = [asdict(found) for found in ordered[:KEPT]]
    return {"name": name, "state": state, "detail": detail, "findings": kept, **more}


def errors_of(checks: Iterable[dict[str, Any]]) -> list[str]:
    """The errors of all checks, one line each."""
    found = [Finding(**finding) for check in checks for finding in check.get("findings", ())]
    return [finding.text for finding in found if finding.severity == ERROR]
