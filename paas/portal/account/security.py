"""One's own second factor. Its secret and its recovery codes stand on the page that made them, and nowhere else."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from paas.portal.account.forms import CodeForm, FirstCodeForm, PasswordForm
from paas.portal.pages import page, person, put_refusal
from paas.portal.shown_once import keep, take
from tenants.exceptions import TenantsError, TooManyAttempts
from tenants.people.services.second_factor import (
    recovery_codes_renew,
    second_factor_confirm,
    second_factor_enroll,
    second_factor_remove,
    second_factor_state,
)

_SECRET, _CODES = "second factor", "recovery codes"
FORMS: dict[str, type[Form]] = {
    "set_up": PasswordForm,
    "confirm": FirstCodeForm,
    "renew": CodeForm,
    "remove": CodeForm,
}


@page()
def security_page(request: HttpRequest) -> HttpResponse:
    codes = take(request, _CODES)
    context: dict[str, Any] = {"recovery_codes": codes["codes"]} if codes else {}
    if request.GET.get("step") == "confirm":
        context |= {"made": take(request, _SECRET), "confirm": _form("confirm")}
    return _shown(request, **context)


@page("POST")
def set_up(request: HttpRequest) -> HttpResponse:
    def enroll(password: str) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR")
        made = second_factor_enroll(actor=person(request), password=password, address=address)
        keep(request, _SECRET, {"uri": made.uri, "secret": made.secret})
        return redirect(f"{reverse('portal:security')}?step=confirm")

    return _answered(request, "set_up", enroll)


@page("POST")
def confirm(request: HttpRequest) -> HttpResponse:
    def confirmed(code: str) -> HttpResponse:
        codes = second_factor_confirm(actor=person(request), code=code)
        # It was shown in this session, if not at its start.
        request.session["second_factor"] = timezone.now().isoformat()
        return _show_codes(request, codes)

    return _answered(request, "confirm", confirmed)


@page("POST")
def renew(request: HttpRequest) -> HttpResponse:
    def renewed(code: str) -> HttpResponse:
        return _show_codes(request, recovery_codes_renew(actor=person(request), code=code))

    return _answered(request, "renew", renewed)


@page("POST")
def remove(request: HttpRequest) -> HttpResponse:
    def removed(code: str) -> HttpResponse:
        second_factor_remove(actor=person(request), code=code)
        request.session.pop("second_factor", None)
        messages.success(request, "Your second factor is removed: your password alone signs you in.")
        return redirect("portal:security")

    return _answered(request, "remove", removed)


def _show_codes(request: HttpRequest, codes: Sequence[str]) -> HttpResponse:
    """On the page that follows: a reload of it makes no new ones."""
    keep(request, _CODES, {"codes": list(codes)})
    return redirect("portal:security")


def _answered(request: HttpRequest, name: str, act: Callable[[str], HttpResponse]) -> HttpResponse:
    """What `act` answers to the one field of the form `name`; a refusal beside that field."""
    form = _form(name, request.POST)
    if not form.is_valid():
        return _shown(request, status=400, **{name: form})
    try:
        (text,) = form.cleaned_data.values()
        return act(text)
    except TenantsError as error:
        answer = _shown(request, status=put_refusal(form, error), **{name: form})
        if isinstance(error, TooManyAttempts):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer


def _form(name: str, sent: QueryDict | None = None) -> Form:
    return FORMS[name](sent, auto_id=f"id_{name}_%s")


def _shown(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    forms = {name: _form(name) for name in ("set_up", "renew", "remove")}
    state = second_factor_state(user=person(request))
    return render(request, "portal/security.html", {**forms, "state": state, **context}, status=status)
