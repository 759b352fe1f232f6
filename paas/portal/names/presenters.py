"""Custom domains in the words of a page, and the URLs of an environment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from tenants.apps.models.environment import Environment
from tenants.names.custom_names import in_unicode
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors.domains import RecordToSet, is_apex, is_waiting, records_to_set, served_hostnames, told


@dataclass(frozen=True)
class ShownAnswer:
    """What one name server said when it was asked for `name` and `type`."""

    name: str
    type: str
    server: str
    said: str


@dataclass(frozen=True)
class ShownDomain:
    """`ends_at`: when it is withdrawn, should nobody mend it; None where all is well."""

    row: CustomDomain
    detail: str
    name: str
    records: list[RecordToSet]
    answers: list[ShownAnswer]
    is_apex: bool
    is_due: bool
    ends_at: datetime | None


def edge_urls(environment: Environment) -> list[tuple[str, str]]:
    """Hostname and URL through the edge, of every hostname of the environment."""
    # The platform's own names have their zone's certificate.
    is_https = settings.EDGE_HTTPS_REDIRECT and settings.EDGE_TLS_PORT
    port = settings.EDGE_TLS_PORT if is_https else settings.EDGE_PORT
    scheme = "https" if is_https or port == 443 else "http"
    suffix = "" if port in (80, 443) else f":{port}"
    return [(name, f"{scheme}://{name}{suffix}/") for name in served_hostnames(environment)]


def show_domain(domain: CustomDomain) -> ShownDomain:
    waits = is_waiting(domain)
    since = domain.failing_since if domain.is_served and not waits else None
    return ShownDomain(
        row=domain,
        detail=told(domain),
        name=in_unicode(domain.hostname),
        records=records_to_set(domain),
        answers=[answer for observation in domain.observations for answer in _answers(observation)],
        is_apex=is_apex(domain),
        is_due=not waits and domain.next_check_at is not None and domain.next_check_at <= timezone.now(),
        ends_at=since + timedelta(days=settings.DOMAIN_GRACE_DAYS) if since else None,
    )


def _answers(observation: dict[str, Any]) -> list[ShownAnswer]:
    def shown(server: str, said: str) -> ShownAnswer:
        return ShownAnswer(name=observation["name"], type=observation["type"], server=server, said=said)

    found = [
        shown(f"{answer['server']} ({answer['address'] or 'no address'})", _said(answer))
        for answer in observation["answers"]
    ]
    return found if found or not observation["detail"] else [shown("none", observation["detail"])]


def _said(answer: dict[str, Any]) -> str:
    match answer["outcome"]:
        case "answer":
            return f"a CNAME to {answer['cname']}" if answer["cname"] else "\n".join(answer["values"])
        case "no_data":
            return "there is no such record"
        case "nx_domain":
            return "there is no such name"
        case outcome:
            return f"nothing of use ({outcome.replace('_', ' ')}): {answer['detail']}"
