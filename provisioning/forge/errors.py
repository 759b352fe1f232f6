"""GitLab's and requests' exceptions become ours here, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

import gitlab
import requests

from provisioning.exceptions import OperatorError, ServiceUnavailable

# Statuses after which the same call may well succeed: too many requests, and what a restarting server answers.
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class ForgeRefused(OperatorError):
    """The forge answered a call with an error that trying again does not mend; `status` is its HTTP status."""

    code = "forge_refused"
    next_step = "Mend at the forge what the message names, then ask for the same again."

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raises `ServiceUnavailable` where waiting helps, `ForgeRefused` where an operator must act."""
    try:
        yield
    except (requests.ConnectionError, requests.Timeout) as exc:
        raise ServiceUnavailable(
            f"the forge did not answer while {doing} ({type(exc).__name__}): Berth tries again; "
            "an operator should look at the forge if this lasts"
        ) from exc
    except gitlab.GitlabError as exc:
        status = exc.response_code
        if status in TRANSIENT:
            raise ServiceUnavailable(f"the forge answered {status} while {doing}: Berth tries again") from exc
        if isinstance(exc, gitlab.GitlabAuthenticationError):
            raise ForgeRefused(
                f"the forge refused Berth's token while {doing}: an operator must set a valid FORGE_TOKEN", status
            ) from exc
        raise ForgeRefused(f"the forge refused {doing} with {status}: {exc.error_message}", status) from exc
