"""The form of a new custom domain."""

from django import forms

from paas.portal.forms import line


class DomainForm(forms.Form):
    hostname = line(
        label="A domain of yours",
        help_text="The name alone, as in plugin.example.com. It is served once it is proven to be yours.",
        is_code=True,
    )
