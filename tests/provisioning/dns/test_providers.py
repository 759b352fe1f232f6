"""The providers by name."""

import os
import subprocess
import sys

from provisioning.dns.providers import PROVIDERS

ASKED = """
import sys, django
django.setup()
import paas.asgi, paas.celery, provisioning.tasks
from provisioning.dns.providers import PROVIDERS
assert PROVIDERS["powerdns"].name == "powerdns" and "route53" in PROVIDERS and "nobody" not in PROVIDERS
print(*sorted({"boto3", "botocore", "lexicon"} & sys.modules.keys()))
"""


def test_each_is_found_under_the_name_that_it_has() -> None:
    assert {name: kind.name for name, kind in PROVIDERS.items()} == {name: name for name in PROVIDERS}
    assert len(PROVIDERS) == 7


def test_who_has_another_vendor_does_not_load_the_libraries_of_all() -> None:
    argv = [sys.executable, "-c", ASKED]
    done = subprocess.run(argv, env=os.environ.copy(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
