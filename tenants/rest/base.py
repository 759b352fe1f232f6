"""How a view finds what it works on: through `access.restrict`, so that what one may not see does not exist."""

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from tenants.people.models.user import User


def signed_in(request: Request) -> User:
    """Who acts. Raises `NotAuthenticated` where a view let an anonymous request through."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def signed_in_again(view: APIView, sent: HttpRequest) -> Request:
    """`sent` as if it came now, for answers that take long: the token is looked up again, and so is the account.

    Says in `request_context.authentication` how they came in. Raises `NotAuthenticated`, or `AuthenticationFailed`,
    where a token, a session or the account has ended meanwhile.
    """
    request = view.initialize_request(sent)
    view.perform_authentication(request)
    user = User.objects.filter(pk=request.user.pk or 0, is_active=True).first()
    # Whoever came with the portal's session ends with it.
    if user is None or (request.auth is None and not _has_session_still(sent)):
        raise NotAuthenticated
    request.user = user
    return request


def _has_session_still(sent: HttpRequest) -> bool:
    session = sent.session
    return session.session_key is not None and session.exists(session.session_key)
