"""Forms about releases."""

from django import forms

from paas.portal.forms import line, lines
from tenants.apps.choices import EnvironmentName


class ReleaseForm(forms.Form):
    environment = forms.CharField(
        label="Environment",
        strip=False,
        widget=forms.Select(choices=[(value, value) for value in EnvironmentName.values]),
    )
    ref = line(
        label="Branch, tag or commit",
        help_text="It is resolved to one commit at once; what is pushed later does not change this release. "
        "If a branch and a tag have the name, write refs/heads/… or refs/tags/… before it.",
        is_code=True,
        initial="main",
    )
    notes = lines(label="Notes for the reviewer", help_text="What changed, and what to look at. May be empty.")


class CancelForm(forms.Form):
    comment = lines(label="Comment", help_text="Why. May be empty.", rows=2)


class RollbackForm(forms.Form):
    release = forms.IntegerField(label="Release", min_value=1, required=False)
