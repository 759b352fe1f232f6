"""The digest of a release: a review is bound to it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.crypto import salted_hmac

from tenants.canonical import canonical_json


def release_digest(
    *,
    commit_sha: str,
    configuration: Mapping[str, Any],
    stack_version: int,
    configuration_sha256: str,
    variables: Mapping[str, str] | str,
) -> str:
    """64 hex digits over everything that a reviewer decides on. `variables` is a mapping, or its JSON text.

    `configuration` is the snapshot of the settings, `configuration_sha256` covers what was rendered from it.

    The variables enter as an HMAC-SHA256 under a key derived from SECRET_KEY, so that the digest, which many may see,
    can't be used to guess a value.
    """
    values = json.loads(variables) if isinstance(variables, str) else dict(variables)
    parts = {
        "commit_sha": commit_sha,
        "configuration": dict(configuration),
        "stack_version": stack_version,
        "configuration_sha256": configuration_sha256,
        "variables": salted_hmac("berth.release.variables", canonical_json(values), algorithm="sha256").hexdigest(),
    }
    return hashlib.sha256(canonical_json(parts)).hexdigest()
