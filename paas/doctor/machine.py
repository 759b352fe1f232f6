"""The machine and what stands on its disk."""

import shutil
import stat
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from django.conf import settings
from django.utils import timezone

from paas.doctor.check import Check, Failed, Warned

GIB = 1024**3
# Below one of each: too little for a release and its images, and soon too little.
FAIL_BYTES, FAIL_SHARE = GIB // 4, 0.01
WARN_BYTES, WARN_SHARE = 2 * GIB, 0.10
# A code of an authenticator app is good for 30 seconds.
WARN_CLOCK_S, FAIL_CLOCK_S = 5, 25
TIMEOUT_S = 5


def checks() -> Sequence[Check]:
    return [Check("disk", _disk), Check("secrets", _secrets), Check("clock", _clock)]


def _disk() -> str:
    """The disks below the home, of which there may be several."""
    places = {place.stat().st_dev: place for place in (settings.RELEASES_HOME, settings.HOME) if place.is_dir()}
    if not places:
        raise Failed(f"{settings.HOME} is not there: run bin/up, or set BERTH_HOME")
    said = []
    for place in places.values():
        usage = shutil.disk_usage(place)
        share = usage.free / usage.total
        text = f"{usage.free / GIB:.1f} GiB free ({share:.0%}) at {place}"
        if usage.free < FAIL_BYTES or share < FAIL_SHARE:
            raise Failed(f"{text}: an operator must free space")
        if usage.free < WARN_BYTES or share < WARN_SHARE:
            raise Warned(f"{text}: an operator should free space soon")
        said.append(text)
    return ", ".join(said)


def _secrets() -> str:
    path = Path(settings.SECRETS_FILE)
    if not path.is_file():
        return "in the environment alone"
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Failed(f"{path} can be read by others: run chmod 600 {path}, and replace what stands in it")
    return f"{path}, for its owner alone"


def _clock() -> str:
    """Against the forge's, which may be another machine; where it is this one, they can't differ."""
    try:
        asked = time.monotonic()
        with requests.head(
            f"{settings.FORGE_URL}/api/v4/version", timeout=TIMEOUT_S, allow_redirects=False
        ) as response:
            theirs = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError):
        return "not compared: the forge does not tell the time"
    # The header has whole seconds.
    off_s = max(0.0, abs((timezone.now() - theirs).total_seconds()) - 1 - (time.monotonic() - asked))
    text = f"{off_s:.0f} s off the forge's"
    if off_s > FAIL_CLOCK_S:
        raise Failed(f"{text}: an operator must set both by NTP; until then codes and tokens are refused")
    if off_s > WARN_CLOCK_S:
        raise Warned(f"{text}: an operator should set both by NTP")
    return text
