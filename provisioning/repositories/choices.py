"""States of the git tokens that an account was given."""

from django.db import models


class GitTokens(models.TextChoices):
    """The tokens for git over HTTP that somebody was given."""

    NONE = "none"
    GIVEN = "given"
    # The account has ended since; they are still to be revoked at the forge.
    ENDING = "ending"
