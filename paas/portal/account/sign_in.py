"""Signing in: a password, then a code from who has a second factor. As slow for guesses as the API's tokens."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import load_backend, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from paas.portal.account.forms import CodeForm, SignInForm
from paas.portal.pages import put_refusal
from paas.throttling import sign_in_wait_s
from tenants.audit.request_context import authentication
from tenants.exceptions import InvalidSecondFactor, LockedOut, SecondFactorThrottled
from tenants.people.models.user import User
from tenants.people.services.second_factor import second_factor_shown, second_factor_state
from tenants.people.services.sign_in import signed_in_record
from tenants.people.sessions import by_session

# The password is right and the code is not here yet: nobody is signed in, and the session says who is about to.
_HALFWAY = "half_signed_in"
_HALFWAY_LASTS = timedelta(minutes=5)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInView(LoginView):
    template_name = "portal/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_s = sign_in_wait_s(request)
        if wait_s is not None:
            return self._refused(wait_s)
        try:
            return super().post(request, *args, **kwargs)
        except LockedOut as locked:
            return self._refused(locked.wait_s, is_locked_out=True)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user: Any = form.get_user()
        if not second_factor_state(user=user).is_confirmed:
            _sign_in(self.request, user, has_second_factor=False)
            return HttpResponseRedirect(self.get_success_url())
        self.request.session.cycle_key()
        self.request.session.set_expiry(_HALFWAY_LASTS)
        self.request.session[_HALFWAY] = {
            "user": user.pk,
            # A password that is changed meanwhile ends this too.
            "hash": user.get_session_auth_hash(),
            "until": (timezone.now() + _HALFWAY_LASTS).timestamp(),
            "next": self.get_success_url(),
        }
        return redirect("portal:sign-in-code")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def _refused(self, wait_s: int, *, is_locked_out: bool = False) -> HttpResponse:
        form = SignInForm(self.request, initial={"username": self.request.POST.get("username", "")[:150]})
        context = self.get_context_data(form=form, wait_s=wait_s, is_locked_out=is_locked_out)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait_s)})


@method_decorator(never_cache, name="dispatch")
class CodeView(FormView):
    """The code of who has given the password; whoever has not is sent to do so."""

    template_name = "portal/sign_in_code.html"
    form_class = CodeForm

    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = _halfway_user(request)
        if user is None:
            return redirect("portal:sign-in")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_s = sign_in_wait_s(request)
        return super().post(request, *args, **kwargs) if wait_s is None else self._refused(CodeForm(), wait_s)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        try:
            is_shown = second_factor_shown(user=self.user, code=form.cleaned_data["code"])
        except SecondFactorThrottled as error:
            return self._refused(CodeForm(), error.wait_s, is_code_throttled=True)
        except InvalidSecondFactor as error:
            put_refusal(form, error)
            return self.form_invalid(form)
        after = self.request.session[_HALFWAY]["next"]
        _sign_in(self.request, self.user, has_second_factor=is_shown)
        return HttpResponseRedirect(after)

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def _refused(self, form: Form, wait_s: int, **context: Any) -> HttpResponse:
        context = self.get_context_data(form=form, wait_s=wait_s, **context)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait_s)})


def _halfway_user(request: HttpRequest) -> User | None:
    """Who has given the password in this session less than five minutes ago."""
    halfway = request.session.get(_HALFWAY)
    if halfway is None:
        return None
    user = load_backend(_BACKEND).get_user(halfway["user"])
    if (
        isinstance(user, User)
        and timezone.now().timestamp() < halfway["until"]
        and constant_time_compare(halfway["hash"], user.get_session_auth_hash())
    ):
        return user
    request.session.flush()
    return None


def _sign_in(request: HttpRequest, user: User, *, has_second_factor: bool) -> None:
    """Opens the session, under a new id. `second_factor` in it is when a second factor was shown."""
    request.session.pop(_HALFWAY, None)
    request.session.pop("second_factor", None)
    request.session.set_expiry(None)
    login(request, user, backend=_BACKEND)
    if has_second_factor:
        request.session["second_factor"] = timezone.now().isoformat()
    authentication.set(by_session(request))
    signed_in_record(user=user, has_second_factor=has_second_factor)
