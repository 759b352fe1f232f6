"""How the account of a request came in, and whose move it is after an error."""

from django.db import models


class AuthenticationMethod(models.TextChoices):
    PLATFORM = "platform"
    ANONYMOUS = "anonymous"
    PASSWORD = "password"  # noqa: S105 - a method's name
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a method's name


class Actor(models.TextChoices):
    """Whose move it is after an error. `nobody`: Berth goes on by itself."""

    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    NOBODY = "nobody"
