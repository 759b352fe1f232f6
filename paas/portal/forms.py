"""The shape of what people send. What is allowed is for the services to say."""

from django import forms

NO_HELP = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "off"}


def line(*, label: str, help_text: str = "", is_code: bool = False, initial: str = "") -> forms.CharField:
    """One line, as it was typed: no space is cut off."""
    widget = forms.TextInput(attrs=NO_HELP | {"class": "code"} if is_code else {"autocomplete": "off"})
    return forms.CharField(label=label, help_text=help_text, strip=False, widget=widget, initial=initial)


def lines(*, label: str, help_text: str = "", rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": rows, "cols": 60}),
    )
