"""The vendors that dns-lexicon knows beside those with a file here, by lexicon's own programs.

Those programs call `requests` as a module, without a time limit, log what they send and get, and some put a token into
the URL. So each account runs a copy of its vendor's module that has our session in the place of `requests`, and a log
that nobody reads. A vendor whose program speaks through anything else is refused.
"""

import importlib.util
import json
import logging
import types
from argparse import ArgumentParser
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import requests
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError
from lexicon.interfaces import Provider as LexiconProvider

from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.lexicon_records import LexiconRecords
from provisioning.dns.providers.settings import TIMEOUT, zone_names
from provisioning.dns.providers.vendor import VendorSession

_ROOM = "lexicon._private.providers"
# Those with a provider of Berth's own, one that chooses another, one that also speaks through something else, and one
# that reads keys from files of the host.
_REFUSED = ("aliyun", "auto", "cloudflare", "ddns", "dnspod", "gandi", "oci", "powerdns", "route53")
_SECRET_WORDS = ("token", "secret", "password", "pass", "psw", "key", "2fa", "totp", "service_account")


class _Requests(types.ModuleType):
    """`requests`, with our session behind its functions."""

    def __init__(self, session: VendorSession) -> None:
        super().__init__("requests")
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name in ("request", "get", "post", "put", "patch", "delete", "head", "options"):
            return getattr(self._session, name)
        if name in ("Session", "session"):
            return lambda: VendorSession(self._session.vendor)
        return getattr(requests, name)


class _Silent:
    """Takes what a program prints or warns of."""

    def __call__(self, *_args: object, **_kwargs: object) -> None:
        """As `print`."""

    warn = __call__


class _WithoutQuery(logging.Filter):
    """urllib3 logs each URL, and some vendors want their token in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(item.partition("?")[0] if isinstance(item, str) else item for item in record.args)
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQuery())


def vendor_settings(vendor: str) -> list[ProviderSetting]:
    """What lexicon's program for this vendor takes, by its own argument parser; secret by name.

    Raises `ValueError` for a vendor that lexicon does not know, or that can't be given limits.
    """
    return _settings_of(_module(vendor, None))


class Lexicon(LexiconRecords):
    """Any of lexicon's vendors, at a pace that none will mind.

    Not all of lexicon's programs read more than one page, and some hide a refusal: what the name servers answer is
    what counts, and Berth asks them. Records are looked up by reading the zone.
    """

    name: ClassVar[str] = "lexicon"
    label: ClassVar[str] = "the DNS vendor"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="vendor", help="dns-lexicon's name for the vendor: hetzner, digitalocean, godaddy, ..."),
        ProviderSetting(name="zones", help="the zones of the account, separated by commas"),
        ProviderSetting(name="options", help='what the vendor wants, as JSON: {"auth_token": "..."}', is_secret=True),
        TIMEOUT,
    )
    # Not all of them mind the TTL then, or take the record that is meant.
    overwrites: ClassVar[bool] = False
    capabilities = Capabilities(rate_per_s=2, burst=5)

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        vendor = self.values["vendor"]
        self.vendor.label = vendor
        module = _module(vendor, self.session)
        self._lexicon_class = module.Provider
        taken = _settings_of(module)
        self._chosen = _checked_options(vendor, taken, self.values["options"])
        secret = {setting.name for setting in taken if setting.is_secret}
        self.vendor.hide(value for name, value in self._chosen.items() if name in secret)
        self._listed = zone_names("zones", self.values["zones"])

    def _options(self) -> dict[str, str]:
        return self._chosen

    def _connect(self, config: ConfigResolver, zone: str) -> LexiconProvider:
        if zone not in self._listed:
            raise self.vendor.no_zone(zone)
        api: LexiconProvider = self._lexicon_class(config)
        api.authenticate()
        return api

    def _zones(self) -> Collection[str]:
        zones = []
        for zone in self._listed:
            try:
                self._api(zone)
            except AuthenticationError:  # also how lexicon says that there is no such zone
                if len(self._listed) == 1:
                    raise
            else:
                zones.append(zone)
        return zones


def _module(vendor: str, session: VendorSession | None) -> Any:
    """A copy of lexicon's module of this vendor, in no register, which speaks through `session`."""
    spec = None
    if vendor.isascii() and vendor.isidentifier() and vendor not in _REFUSED:
        spec = importlib.util.find_spec(f"{_ROOM}.{vendor}")
    if spec is None or spec.loader is None:
        raise ValueError(f"vendor: {vendor[:40]!r} is none that lexicon knows, or none that Berth reaches through it")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError:
        raise ValueError(f"vendor: lexicon needs another package for {vendor}, which Berth does not have") from None
    names = vars(module)
    if names.get("requests") is not requests and names.get("Session") is not requests.Session:
        raise ValueError(f"vendor: lexicon does not reach {vendor} by requests, so Berth can't limit how long it takes")
    if session is not None:
        names["requests"] = _Requests(session)
        names["Session"] = names["requests"].Session
    # Outside the tree of loggers, so that no configuration can make it speak.
    silent = logging.Logger(f"{__name__}.{vendor}", logging.CRITICAL + 1)  # noqa: LOG001
    names["LOGGER"] = names["logger"] = silent
    # Some print what they send, or warn with all of an answer.
    names["print"] = names["warnings"] = _Silent()
    return module


def _settings_of(module: Any) -> list[ProviderSetting]:
    parser = ArgumentParser(add_help=False)
    module.Provider.configure_parser(parser)
    return [
        ProviderSetting(
            name=action.dest,
            help=" ".join((action.help or "").split()),
            is_secret=any(word in action.dest for word in _SECRET_WORDS),
            default="",
        )
        for action in parser._actions
    ]


def _checked_options(vendor: str, taken: Sequence[ProviderSetting], text: str) -> dict[str, str]:
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise ValueError('options: a JSON object of names and texts: {"auth_token": "..."}')
    known = [setting.name for setting in taken]
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"options: {vendor} takes {', '.join(known)}, and no {name[:40]!r}")
        if not value.isprintable():
            raise ValueError(f"options: {name}: only printable characters")
    return options
