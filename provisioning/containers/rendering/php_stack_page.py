"""docs/reference/php-stack.md, written from the tables that the containers are made of."""

import re
from collections.abc import Iterable

from provisioning.containers.rendering import php_stack
from provisioning.rendering.limits import php_limits, session_disk_mib, tmpfs_inodes
from provisioning.rendering.text import template

# Of a new environment.
MEMORY_MIB, PIDS, DISK_MIB = 256, 128, 64
_TYPE = re.compile(r"^    (\S+)\s+([^;]+);$", re.MULTILINE)


def content_types() -> dict[str, str]:
    """Ending of a file's name -> content type, as the sidecar serves it."""
    rows = _TYPE.findall(template("sidecar/mime.types"))
    return {ending: content_type for content_type, endings in rows for ending in endings.split()}


def locales() -> list[str]:
    lines = template("images/php/locales.txt").splitlines()
    return [line.partition(" ")[0] for line in lines if not line.startswith("#")]


def render_page() -> str:
    limits = php_limits(memory_mib=MEMORY_MIB, pids=PIDS, disk_mib=DISK_MIB)
    by_type: dict[str, list[str]] = {}
    for ending, content_type in content_types().items():
        by_type.setdefault(content_type, []).append(f"`.{ending}`")
    parts = [
        _INTRODUCTION,
        "## Settings\n\n" + _settings(php_stack.pool_settings(limits)),
        "Read once, when the container starts:\n\n" + _settings(php_stack.startup_settings(limits)),
        "## Extensions\n\n" + _rows(("extension", "why it is there"), _named(php_stack.EXTENSIONS)),
        "Not there, and why:\n\n" + _rows(("extension", "why not"), _named(php_stack.LEFT_OUT)),
        _VARIABLES,
        _ROOM.format(disk=DISK_MIB, files=tmpfs_inodes(DISK_MIB), sessions=session_disk_mib(DISK_MIB)),
        "## Languages, times, fonts\n\n" + _PLACES.format(locales=", ".join(f"`{name}`" for name in locales())),
        "## Content types of files\n\n"
        "A file of any other ending is `application/octet-stream`. A text's type has `charset=utf-8`.\n\n"
        + _rows(("type", "endings"), ((f"`{name}`", " ".join(endings)) for name, endings in by_type.items())),
        _WALLS,
        _FALLBACK,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _settings(settings: Iterable[php_stack.Setting]) -> str:
    rows = ((f"`{row.name}`", _value(row), "" if row.is_fixed else "yes", row.why) for row in settings)
    return _rows(("setting", "value", "a plugin may change it", "why"), rows)


def _value(setting: php_stack.Setting) -> str:
    return f"`{setting.value.replace(',', ', ')}`" if setting.value else "empty"


def _named(table: dict[str, str]) -> Iterable[tuple[str, str]]:
    return ((f"`{name}`", why) for name, why in sorted(table.items(), key=lambda row: row[0].lower()))


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


_INTRODUCTION = f"""
# The PHP stack

The environment of a running plugin: PHP {php_stack.PHP_VERSION} under php-fpm, behind nginx, in a container of its own.
This page is written by `manage.py reference --write` from the tables that the containers are made of. A test holds both
against a running container. Values are those of a new environment: {MEMORY_MIB} MiB of memory, {DISK_MIB} MiB of disk,
{PIDS} processes.

This is version 2. Version 1 had fewer extensions and locales, and no fonts; it let a plugin make links, gave it FFI,
shared memory of System V and a shell for `mail()`, and never removed a session. A release that was approved for it can
still be repaired as it is, and put back on version 2. The app's next release says in the review that it changes.
"""

_VARIABLES = """
## Variables

An environment's variables are in `getenv()`, `$_ENV` and `$_SERVER` of the plugin's own requests, to the letter, and
nowhere else: php-fpm's master, health checks and whatever an operator runs in the container have a fixed environment.
They lie in a file that the plugin's user reads, and that is required before the plugin's code in each request.

A name has 1 to 64 of `A-Z`, `0-9` and `_`, and begins with a letter. What a library or a program reads when it starts
(`OPENSSL_CONF`, `LD_PRELOAD`, `PERL5OPT`, `PHPRC`) is a name like any other: when the plugin gets its variables, all
of that has been read. Refused are names that a request sets: `HTTP_*`, which a visitor could send as a header, and
those of CGI; and `PATH`, `HOME`, `TMPDIR` and `BERTH_*`, which are the platform's.

A variable that is not a secret is shown to reviewers, before and after, and is not masked in logs. Of a secret they see
that it was set, changed or removed. To set one that is no secret, send `"secret": false`.
"""

_ROOM = """
## Writable places

`/tmp` is memory, {disk} MiB and {files} files: uploads, caches, a database of SQLite. It is empty after each start.
Sessions have {sessions} MiB of their own. If there are too many, the longest unused go first, so that the next visitor
finds room. The release's tree, `/app`, is read-only.
"""

_PLACES = """
- Locales for `setlocale()` and `gettext`: `C`, `POSIX`, `C.UTF-8`, {locales}. `intl` knows all languages by itself.
- All time zones of the tz database; PHP's own is UTC.
- Fonts: DejaVu Sans, DejaVu Sans Mono and DejaVu Serif in `/usr/share/fonts/truetype/dejavu`. Imagick draws with one of
  them if no font is named. A release may bring its own and name it by its path.
- Authorities of TLS certificates in `/etc/ssl/certs`, for the day when a plugin is granted a way out.
- ImageMagick reads and writes GIF, JPEG, PNG, WebP, BMP, ICO and TIFF, in one thread, with at most 192 MiB of memory.
"""

_WALLS = """
## What PHP refuses

The container is the boundary. Before it stand walls of PHP's, and of the kernel's behind those:

- No function starts a program. `mail()` and `error_log()` with a mail address answer false, since they would start one.
- `open_basedir` ends at `/app`, `/tmp`, `/usr/share` and the plugin's own sessions. No request changes that: one on
  php-fpm's socket may carry settings, and the plugin's user may not connect to it. The sidecar, which may, is another.
- Nothing in `/app`, `/tmp` or anywhere else that a plugin's files can be is executable or can be loaded as a library.
- `symlink()` and `link()` are off: links are those of the reviewed tree.
"""

_FALLBACK = """
## The fallback to the host

If an operator lets an environment fall back to the host, the host's own PHP serves the same release with the same
settings, except that nothing compiled and no APCu value is kept, since workers of all apps share one master. Its
extensions, fonts and locales are those of the host: `manage.py doctor` and the deployment name what is missing.
"""
