"""The form of a decision."""

from django import forms

from paas.portal.forms import lines


class DecisionForm(forms.Form):
    """The digest is no field of it: the page puts in the one that it shows, also where it shows a refused form."""

    comment = lines(label="Comment", help_text="The developers read it. Whoever rejects says here why.")
