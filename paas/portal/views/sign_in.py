"""Signing in, as often as the API lets somebody ask for a token."""

import math
from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request

from paas.api.throttling import SignInAddressThrottle, SignInNameThrottle
from paas.portal.forms import SignInForm


class SignInView(LoginView):
    template_name = "portal/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_s = _wait_s(request)
        if wait_s is None:
            return super().post(request, *args, **kwargs)
        form = SignInForm(request, initial={"username": request.POST.get("username", "")[:150]})
        context = self.get_context_data(form=form, wait_s=wait_s)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait_s)})

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)


def _wait_s(request: HttpRequest) -> int | None:
    """Seconds until somebody may try again, counted together with the API's tokens; None where they may now."""
    asked = Request(request, parsers=[FormParser(), MultiPartParser()])
    waits: list[float] = []
    for throttle in (SignInAddressThrottle(), SignInNameThrottle()):
        # A throttle is a view's: it looks at none here.
        if not throttle.allow_request(asked, None):  # type: ignore[arg-type]
            waits.append(throttle.wait() or 1)
    return max(1, math.ceil(max(waits))) if waits else None
