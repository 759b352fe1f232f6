"""Forms about the own account: signing in, the second factor, tokens."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from paas.portal.forms import NO_HELP, line
from tenants.exceptions import InvalidCredentials
from tenants.people.choices import TokenScope
from tenants.people.services.sign_in import password_check
from tenants.people.services.tokens import DEFAULT_TTL, LONGEST_TTL, SHORTEST_TTL


class SignInForm(AuthenticationForm):
    username = forms.CharField(
        label="User name",
        max_length=150,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    error_messages = {"invalid_login": "The user name or the password is wrong."}

    def clean(self) -> dict[str, Any]:
        """Raises `LockedOut` past the form: it is no fault of a field."""
        fields = self.cleaned_data
        if fields.get("username") and fields.get("password"):
            try:
                self.user_cache = password_check(
                    username=fields["username"],
                    password=fields["password"],
                    address=self.request.META.get("REMOTE_ADDR") if self.request else None,
                )
            except InvalidCredentials:
                raise self.get_invalid_login_error() from None
        return fields


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=100,
        strip=False,
        help_text="The six digits that your authenticator app shows now, or one of your recovery codes.",
        widget=forms.TextInput(attrs=NO_HELP | {"class": "code", "autocomplete": "one-time-code"}),
    )


class FirstCodeForm(CodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "The six digits that your authenticator app shows now."


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        help_text="The one that you sign in with.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    name = line(label="Name", help_text="What the token is for, for your own list.")
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        required=False,
        choices=[(value, value) for value in TokenScope.values],
        help_text="What it may be used for. Each but read includes read.",
        widget=forms.CheckboxSelectMultiple,
    )
    expires_in_days = forms.IntegerField(
        label="Days",
        initial=DEFAULT_TTL.days,
        help_text="How long it is good: 1 to 365.",
        widget=forms.NumberInput(attrs={"min": SHORTEST_TTL.days, "max": LONGEST_TTL.days}),
    )


class ApiTokenForm(TokenForm):
    place = forms.CharField(label="Only for", strip=False, required=False, help_text="Outside of it, it finds nothing.")
    field_order = ("name", "scopes", "place", "expires_in_days")

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"scopes": [TokenScope.READ.value]})
        super().__init__(*args, **kwargs)
        self.fields["place"].widget = forms.Select(choices=places)
