"""How a person came in by a session of the portal."""

from django.http import HttpRequest

from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication
from tenants.people.selectors.second_factors import second_factor_stands


def by_session(request: HttpRequest) -> Authentication:
    """`second_factor` stands in a session in which one was shown: the time. It counts as long as that one is there."""
    shown_at = str(request.session.get("second_factor", ""))
    return Authentication(
        method=AuthenticationMethod.SESSION,
        address=request.META.get("REMOTE_ADDR") or None,
        has_second_factor=bool(shown_at) and second_factor_stands(user=request.user, shown_at=shown_at),
    )
