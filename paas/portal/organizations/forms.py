"""Forms about an organization: members, limits, service accounts."""

from typing import Any

from django import forms

from paas.portal.account.forms import TokenForm
from paas.portal.forms import line
from tenants.organizations.selectors import Usage
from tenants.people.choices import MemberRole, TokenScope


class OrganizationForm(forms.Form):
    name = line(label="Name", help_text="What people read: 1 to 100 characters.")
    slug = line(
        label="Slug",
        help_text="What URLs show: a-z, 0-9 and '-', starting with a letter. It cannot be changed later.",
        is_code=True,
    )


class InvitationForm(forms.Form):
    username = line(
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
    name = line(
        label="Name", help_text="Within the organization: a-z, 0-9 and '-', starting with a letter.", is_code=True
    )
    role = forms.CharField(
        label="Role",
        strip=False,
        initial=MemberRole.DEVELOPER,
        widget=forms.Select(choices=[(value, value) for value in (MemberRole.DEVELOPER, MemberRole.MAINTAINER)]),
    )


class ServiceTokenForm(TokenForm):
    account = forms.CharField(label="Service account", strip=False)
    app = forms.CharField(label="Only for", strip=False, required=False)
    field_order = ("account", "name", "scopes", "app", "expires_in_days")

    def __init__(self, *args: Any, accounts: list[str], apps: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"scopes": [TokenScope.READ.value]})
        super().__init__(*args, **kwargs)
        self.fields["account"].widget = forms.Select(choices=[(name, name) for name in accounts])
        self.fields["app"].widget = forms.Select(choices=apps)
