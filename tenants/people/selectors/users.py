"""People by the names that others type."""

from tenants.people.models.user import User

_LONGEST_NAME = 150


def person_named(username: str) -> User | None:
    """The active user of this name, in any case of its letters.

    What is longer than any name is nobody's: SQLite takes it for a pattern that is too complex.
    """
    if len(username) > _LONGEST_NAME:
        return None
    return User.objects.filter(username__iexact=username, is_active=True).first()
