"""The shape of what people send. What is allowed is for the services to say."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from tenants.apps.choices import EnvironmentName, Stack
from tenants.exceptions import InvalidCredentials
from tenants.organizations.selectors import Usage
from tenants.people.choices import MemberRole, TokenScope
from tenants.people.services.sign_in import password_check
from tenants.people.services.tokens import DEFAULT_TTL, LONGEST_TTL, SHORTEST_TTL

_NO_HELP = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "off"}


def _line(*, label: str, help_text: str = "", is_code: bool = False, initial: str = "") -> forms.CharField:
    """One line, as it was typed: no space is cut off."""
    widget = forms.TextInput(attrs=_NO_HELP | {"class": "code"} if is_code else {"autocomplete": "off"})
    return forms.CharField(label=label, help_text=help_text, strip=False, widget=widget, initial=initial)


def _lines(*, label: str, help_text: str = "", rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": rows, "cols": 60}),
    )


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
        widget=forms.TextInput(attrs=_NO_HELP | {"class": "code", "autocomplete": "one-time-code"}),
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


class OrganizationForm(forms.Form):
    name = _line(label="Name", help_text="What people read: 1 to 100 characters.")
    slug = _line(
        label="Slug",
        help_text="What URLs show: a-z, 0-9 and '-', starting with a letter. It cannot be changed later.",
        is_code=True,
    )


class AppForm(forms.Form):
    # No ChoiceField: the service says why somebody may not create an app in an organization.
    organization = forms.CharField(label="Organization", strip=False)
    name = _line(label="Name", help_text="What people read: 1 to 100 characters.")
    slug = _line(
        label="Slug",
        help_text="The repository's name: a-z, 0-9 and '-', starting with a letter. It cannot be changed later.",
        is_code=True,
    )
    stack = forms.CharField(
        label="Stack",
        strip=False,
        help_text="How the plugin runs: php, or static files.",
        widget=forms.Select(choices=[(value, value) for value in Stack.values]),
    )

    def __init__(self, *args: Any, organizations: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].widget = forms.Select(choices=organizations)


class DomainForm(forms.Form):
    hostname = _line(
        label="A domain of yours",
        help_text="The name alone, as in plugin.example.com. It is served once it is proven to be yours.",
        is_code=True,
    )


class ReleaseForm(forms.Form):
    environment = forms.CharField(
        label="Environment",
        strip=False,
        widget=forms.Select(choices=[(value, value) for value in EnvironmentName.values]),
    )
    ref = _line(
        label="Branch, tag or commit",
        help_text="It is resolved to one commit at once; what is pushed later does not change this release. "
        "If a branch and a tag have the name, write refs/heads/… or refs/tags/… before it.",
        is_code=True,
        initial="main",
    )
    notes = _lines(label="Notes for the reviewer", help_text="What changed, and what to look at. May be empty.")


class DecisionForm(forms.Form):
    """The digest is no field of it: the page puts in the one that it shows, also where it shows a refused form."""

    comment = _lines(label="Comment", help_text="The developers read it. Whoever rejects says here why.")


class CancelForm(forms.Form):
    comment = _lines(label="Comment", help_text="Why. May be empty.", rows=2)


class RollbackForm(forms.Form):
    release = forms.IntegerField(label="Release", min_value=1, required=False)


class InvitationForm(forms.Form):
    username = _line(
        label="User name", help_text="Somebody who has an account here. They join by accepting.", is_code=True
    )
    role = forms.CharField(
        label="Role",
        strip=False,
        initial=MemberRole.DEVELOPER,
        help_text="Developers ask for releases; maintainers keep apps too; owners also decide who belongs here.",
        widget=forms.Select(choices=[(value, value) for value in reversed(MemberRole.values)]),
    )


class LimitsForm(forms.Form):
    """One field for each limit; an empty one stands for the installation's own."""

    def __init__(self, *args: Any, limits: list[Usage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for limit in limits:
            self.fields[limit.name] = forms.IntegerField(
                label=limit.label,
                required=False,
                initial=None if limit.is_default else limit.limit,
                help_text=f"{limit.used} in use. The installation's own limit: {limit.default}.",
            )


class ServiceAccountForm(forms.Form):
    name = _line(
        label="Name", help_text="Within the organization: a-z, 0-9 and '-', starting with a letter.", is_code=True
    )
    role = forms.CharField(
        label="Role",
        strip=False,
        initial=MemberRole.DEVELOPER,
        widget=forms.Select(choices=[(value, value) for value in (MemberRole.DEVELOPER, MemberRole.MAINTAINER)]),
    )


class _TokenForm(forms.Form):
    name = _line(label="Name", help_text="What the token is for, for your own list.")
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


class ApiTokenForm(_TokenForm):
    place = forms.CharField(label="Only for", strip=False, required=False, help_text="Outside of it, it finds nothing.")
    field_order = ("name", "scopes", "place", "expires_in_days")

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"scopes": [TokenScope.READ.value]})
        super().__init__(*args, **kwargs)
        self.fields["place"].widget = forms.Select(choices=places)


class ServiceTokenForm(_TokenForm):
    account = forms.CharField(label="Service account", strip=False)
    app = forms.CharField(label="Only for", strip=False, required=False)
    field_order = ("account", "name", "scopes", "app", "expires_in_days")

    def __init__(self, *args: Any, accounts: list[str], apps: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"scopes": [TokenScope.READ.value]})
        super().__init__(*args, **kwargs)
        self.fields["account"].widget = forms.Select(choices=[(name, name) for name in accounts])
        self.fields["app"].widget = forms.Select(choices=apps)
