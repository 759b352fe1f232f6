"""docs/reference/settings.md, from the table of settings."""

from bin.lib.settings_table import GROUPS, MIB, Setting
from paas.reference.markdown import table

HEAD = """\
# Settings

Settings are environment variables. `bin/up` notes them in `settings.env` in the home, so that later runs and
`manage.py` find the same ones; the environment wins. Secrets (marked with *) are made once. They stand in
`secrets.env` (mode 0600), and a variable of the same name in the environment wins over that file.

This page is written by `manage.py reference --write` from `bin/lib/settings_table.py`; a test holds both equal.
"""
TAIL = """
Two installations on one machine need two homes, names, sets of ports (web, edge, DNS and its API), address pools, and
ranges of ports and user ids.
"""


def render() -> str:
    parts = [HEAD]
    for title, settings in GROUPS.items():
        rows = [(f"`{setting.name}`{'*' * setting.is_secret}", _default(setting), setting.says) for setting in settings]
        parts.append(f"\n## {title}\n\n{table(('setting', 'default', 'what it is for'), rows)}")
    return "".join([*parts, TAIL])


def _default(setting: Setting) -> str:
    if setting.shown or not setting.default:
        return setting.shown or "none"
    if setting.name.endswith("_BYTES"):
        return f"`{setting.default}` ({int(setting.default) // MIB:,} MiB)"
    return f"`{setting.default.replace('{ROOT}/', '')}`"
