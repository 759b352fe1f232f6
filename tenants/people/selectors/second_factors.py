"""Whether a second factor that was shown still counts."""

from typing import Any

from tenants.people.models.second_factor import SecondFactor


def second_factor_stands(*, user: Any, shown_at: str) -> bool:
    """Whether what was shown at that time (ISO 8601) still is the second factor of `user`: not removed, not another."""
    return SecondFactor.objects.filter(user=user, confirmed=True, created_at__lte=shown_at).exists()
