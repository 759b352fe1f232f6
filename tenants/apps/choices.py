"""States of apps and settings of environments."""

from django.db import models


class Stack(models.TextChoices):
    PHP = "php"
    STATIC = "static"


# The version of each stack's template: part of a release's digest, so a changed stack asks for a new review.
STACK_VERSIONS: dict[str, int] = {Stack.PHP: 2, Stack.STATIC: 1}


class AppState(models.TextChoices):
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    FAILED = "failed"
    RETIRING = "retiring"
    RETIRED = "retired"


class EnvironmentName(models.TextChoices):
    TEST = "test"
    PRODUCTION = "production"


class Fallback(models.TextChoices):
    """What answers for an environment while its live containers do not."""

    NONE = "none"
    # A second set of containers of the same release.
    STANDBY = "standby"
    # The host's own nginx and php-fpm, outside of any container.
    HOST = "host"


# target state -> the states it may be entered from. Nothing else may happen to a row.
APP_SOURCES: dict[str, set[str]] = {
    AppState.ACTIVE: {AppState.PROVISIONING, AppState.FAILED},
    AppState.FAILED: {AppState.PROVISIONING, AppState.RETIRING},
    AppState.PROVISIONING: {AppState.FAILED},
    AppState.RETIRING: {AppState.PROVISIONING, AppState.ACTIVE, AppState.FAILED},
    AppState.RETIRED: {AppState.RETIRING},
}
