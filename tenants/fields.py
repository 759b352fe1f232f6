"""A text column that is encrypted at rest."""

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def keyring() -> MultiFernet:
    """The installation's Fernet keys: the first encrypts, all decrypt."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        raise ImproperlyConfigured("BERTH_FIELD_ENCRYPTION_KEYS is empty: set at least one Fernet key")
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class EncryptedTextField(models.TextField):
    """Text in Python, a Fernet token in the database. No lookup but `isnull` makes sense on it."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return None if value is None else keyring().encrypt(value.encode()).decode()

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        if value is None:
            return None
        try:
            return keyring().decrypt(value.encode()).decode()
        except InvalidToken:
            raise ImproperlyConfigured(
                "a secret in the database can't be decrypted: put the key it was written with back into "
                "BERTH_FIELD_ENCRYPTION_KEYS"
            ) from None
