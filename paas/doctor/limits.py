"""Organizations that are near a limit: an operator can act before somebody is refused."""

from collections.abc import Sequence

from paas.doctor.check import Check, Warned
from tenants.organizations.selectors import near_their_limits

_NAMED = 5


def checks() -> Sequence[Check]:
    return [Check("limits", _limits)]


def _limits() -> str:
    near = [f"{usage.name} of {who} ({usage.used} of {usage.limit})" for who, usage in near_their_limits()]
    if near:
        more = f" and {len(near) - _NAMED} more" if len(near) > _NAMED else ""
        raise Warned(
            f"little is left of {', '.join(near[:_NAMED])}{more}: an operator may raise limits, each on its "
            "organization's page"
        )
    return "no organization is near one"
