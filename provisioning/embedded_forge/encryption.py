"""Values at rest: CI variables, pipeline variables and webhook tokens are stored as Fernet tokens."""

from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.db import models

from provisioning.embedded_forge import configuration


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in configuration.encryption_keys()])


class EncryptedTextField(models.TextField):
    """Text that is encrypted in the database and plain in Python. It can't be searched."""

    def get_prep_value(self, value: Any) -> Any:
        if not value:
            return value
        return _cipher().encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        return _cipher().decrypt(value.encode()).decode() if value else value
