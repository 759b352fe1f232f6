"""States of custom domains, and findings of a look at the DNS."""

from django.db import models


class DomainState(models.TextChoices):
    """Of a domain of the customer's own. `active` and `warned` are served."""

    PENDING = "pending"
    ACTIVE = "active"
    WARNED = "warned"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"


class Finding(models.TextChoices):
    """What a look at the DNS has shown of one thing. `unheard`: nobody who would know has answered."""

    YES = "yes"
    NO = "no"
    UNHEARD = "unheard"


DOMAIN_SOURCES: dict[str, set[str]] = {
    DomainState.ACTIVE: {DomainState.PENDING, DomainState.WARNED},
    DomainState.WARNED: {DomainState.ACTIVE},
    DomainState.WITHDRAWN: {DomainState.ACTIVE, DomainState.WARNED},
    DomainState.REMOVED: {DomainState.PENDING, DomainState.ACTIVE, DomainState.WARNED, DomainState.WITHDRAWN},
}


SERVED_DOMAIN_STATES = (DomainState.ACTIVE, DomainState.WARNED)


OPEN_DOMAIN_STATES = (DomainState.PENDING, *SERVED_DOMAIN_STATES)
