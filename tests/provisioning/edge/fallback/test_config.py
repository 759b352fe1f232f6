"""What this machine's PHP lacks is said where it can be found out, and holds nothing up where not."""

import subprocess
from typing import Any

import pytest

from provisioning.edge.fallback import config


@pytest.mark.parametrize("fault", [subprocess.TimeoutExpired(["php-fpm8.2"], 10), PermissionError("no")])
def test_a_php_that_does_not_say_what_it_has_lacks_nothing(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def run(*_args: Any, **_kwargs: Any) -> None:
        raise fault

    monkeypatch.setattr(config, "_php_fpm", lambda: "/usr/sbin/php-fpm8.2")
    monkeypatch.setattr(subprocess, "run", run)
    assert config.missing_extensions() == []
