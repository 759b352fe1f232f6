"""The form of a new app."""

from typing import Any

from django import forms

from paas.portal.forms import line
from tenants.apps.choices import Stack


class AppForm(forms.Form):
    # No ChoiceField: the service says why somebody may not create an app in an organization.
    organization = forms.CharField(label="Organization", strip=False)
    name = line(label="Name", help_text="What people read: 1 to 100 characters.")
    slug = line(
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
