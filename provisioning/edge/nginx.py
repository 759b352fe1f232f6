"""Drives the edge's own nginx: writes a configuration, tests it, swaps it in, reloads, or leaves what was there.

Who may write, and in which order, two file locks decide, so that threads, workers and machines' processes share one
edge: `config.lock` is held while files change and while nginx reads them, `reload.lock` by the one caller that reloads
for all who wrote before. Every change raises a number, the generation, which nginx itself tells when asked: what the
workers serve is never guessed.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from provisioning.certificates import stored as certificates
from provisioning.edge import locks, workers
from provisioning.edge.commands import brief, nginx_command, run
from provisioning.edge.disk import content_of, disk, write_synced
from provisioning.edge.rendering.sites import (
    GENERATION_FILE,
    GENERATION_PATH,
    HEALTH_PATH,
    certificate_named,
    render_edge_generation,
    render_edge_listen,
    render_edge_main,
    render_edge_trial,
)
from provisioning.edge.status import ask
from provisioning.edge.trial import refuse_faults
from provisioning.exceptions import (
    CertificateRefused,
    OperatorError,
    ProvisioningError,
    RetryableError,
    ServiceUnavailable,
)
from provisioning.rendering.directories import CERTIFICATES_DIRECTORY, SITES_DIRECTORY
from provisioning.rendering.specs import EdgeSpec

# 10,000 apps take 9 s to load.
RELOAD_TIMEOUT_S = 30
RELOAD_INTERVAL_S = 1.0
_LOOK_S = 0.005
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
# A file's bytes by its path; None: no file.
Contents = Mapping[Path, bytes | None]


@dataclass(frozen=True)
class _Change:
    """What one caller wrote: the generation it became, and of each file what stood in it and what does now."""

    generation: int
    before: Contents
    after: Contents


class EdgeNginx:
    """One edge, by its home. Instances, threads and processes may share it; none keeps state in memory."""

    def __init__(self, spec: EdgeSpec) -> None:
        self.spec = spec
        self.home = Path(spec.home)

    def ensure_main(self, *, zone_certificate: str | None = None) -> None:
        """Writes nginx.conf and the directories of the home; reloads where nginx runs and something changed.

        `zone_certificate` is the stored file that sites of the zone are served with from now on; left out, it stays
        what it is. Raises `OperatorError` naming the file that nginx refuses, which may be one in sites/; nothing has
        changed then.
        """
        with disk(self.home):
            file = self.zone_certificate() if zone_certificate is None else zone_certificate
            spec = replace(self.spec, zone_certificate=file)
            main, listen = render_edge_main(spec), render_edge_listen(spec)
            self._ensure_directories()
            with locks.held(self.home / "run" / "config.lock"):
                for leftover in self.home.glob(".candidate-*"):
                    shutil.rmtree(leftover, ignore_errors=True)
                if not (self.home / GENERATION_FILE).exists():
                    self._replace({self.home / GENERATION_FILE: render_edge_generation(0).encode()})
                texts = {self.home / name: text for name, text in {"nginx.conf": main, **listen}.items()}
                change = self._write(texts, is_start=True)
        if workers.master(self.home) is not None:
            self._ensure_served(change)

    def apply(self, sites: Mapping[str, str | None]) -> None:
        """Makes the edge serve exactly these texts under these names (`app1000001-production`); None removes a site.

        Returns when the workers serve it and those before take no connection any more. Several callers at the same
        time share one reload, and there is at most one a second; a caller alone does not wait for it. Where the files
        say all that already and nginx serves them, nothing is reloaded.

        Raises `ConfigurationRefused` with nginx's message if nginx refuses a text, `RetryableError` if nginx does not
        run or does not take the change, `OperatorError` if the home can't be written. In each case the files are
        put back, byte for byte, and nginx goes on with what it had.
        """
        for name in sites:
            if not _NAME.fullmatch(name):
                raise ValueError(f"sites: {name[:80]!r} is no name of a site: use a-z, 0-9 and '-'")
        if workers.master(self.home) is None:
            raise self._not_running()
        directory = self.home / SITES_DIRECTORY
        with disk(self.home), locks.held(self.home / "run" / "config.lock"):
            change = self._write({directory / f"{name}.conf": text for name, text in sites.items()})
        self._ensure_served(change)

    def sites(self) -> set[str]:
        """The names of the sites that it has."""
        return {path.stem for path in (self.home / SITES_DIRECTORY).glob("[!.]*.conf")}

    def zone_certificate(self) -> str:
        """The stored file that sites of the zone are served with; empty where there is none."""
        file = certificate_named((content_of(self.home / "nginx.conf") or b"").decode(errors="replace"))
        return file if certificates.is_stored(self.home, file) else ""

    def store(self, certificate: certificates.StoredCertificate) -> str:
        """Keeps the certificate with its key in the edge's home, and returns the file that a site or the zone names.

        Nothing serves it before `ensure_main` or `apply` does. Raises `OperatorError` where it can't be written.
        """
        with disk(self.home):
            self._ensure_directories()
            return certificates.store(self.home, certificate)

    def certificates_held(self) -> AbstractContextManager[None]:
        """Whoever takes certificates from their sources is alone meanwhile."""
        with disk(self.home):
            self._ensure_directories()
        return locks.held(self.home / "run" / "certificates.lock")

    def try_certificate(self, file: str) -> None:
        """Has nginx itself load a stored certificate, alone. Raises `CertificateRefused` with its message."""
        with disk(self.home):
            candidate = self.home / f".candidate-{secrets.token_hex(4)}"
            try:
                candidate.mkdir(mode=0o700)
                (candidate / CERTIFICATES_DIRECTORY).symlink_to(self.home / CERTIFICATES_DIRECTORY)
                (candidate / "nginx.conf").write_text(render_edge_trial(self.spec, file))
                result = run([*nginx_command(self.spec, candidate / "nginx.conf")[:-1], "stderr", "-t"])
            finally:
                shutil.rmtree(candidate, ignore_errors=True)
        if result.returncode != 0:
            said = brief(result.stderr.replace(f"{candidate}/", f"{self.home}/"))
            raise CertificateRefused(f"nginx refuses the certificate: get another (nginx: {said})")

    def remove_certificates(self, *, kept: Collection[str]) -> list[str]:
        """Removes stored certificates that are neither `kept` nor named by any configuration; returns their files."""
        with disk(self.home), locks.held(self.home / "run" / "config.lock"):
            return certificates.remove_unused(self.home, kept=kept)

    def is_healthy(self) -> bool:
        """Whether nginx answers on its own port. Says nothing about the apps."""
        return ask(self.spec, HEALTH_PATH) == "ok"

    def served_generation(self) -> int | None:
        """The generation that a worker serves now, or None where nginx does not answer."""
        words = (ask(self.spec, GENERATION_PATH) or "").split()
        return int(words[0]) if len(words) == 2 and words[0].isdigit() else None

    def _ensure_directories(self) -> None:
        for name in ("", "run", "log", "temp", SITES_DIRECTORY, CERTIFICATES_DIRECTORY):
            path = self.home / name
            path.mkdir(parents=True, exist_ok=True)
            # The workers may be another user than the master: they pass through to their temporary files.
            path.chmod(0o711 if name in {"", "temp"} else 0o700)

    def _written_generation(self) -> int:
        try:
            text = (self.home / GENERATION_FILE).read_text()
        except FileNotFoundError:
            return 0
        found = re.search(r"default (\d+);", text)
        return int(found[1]) if found else 0

    def _write(self, texts: Mapping[Path, str | None], *, is_start: bool = False) -> _Change:
        """Tests the configuration with `texts` in it and swaps them in. The caller holds `config.lock`.

        At a start what is there already is tested as well.
        """
        wanted = {path: None if text is None else text.encode() for path, text in texts.items()}
        before = {path: content_of(path) for path in wanted}
        changed = {path: content for path, content in wanted.items() if before[path] != content}
        generation = self._written_generation()
        if changed or is_start:
            refuse_faults(self.home, self.spec, changed)
        if not changed:
            return _Change(generation, {}, {})
        generation += 1
        number = self.home / GENERATION_FILE
        old_number = content_of(number)
        try:
            # The number first: whoever finds it may have to reload once too often, never once too seldom.
            self._replace({number: render_edge_generation(generation).encode()})
            self._replace(changed)
        except OSError:
            for path, content in {**before, number: old_number}.items():
                if content_of(path) != content:
                    with contextlib.suppress(OSError):
                        self._replace({path: content})
            raise
        return _Change(generation, {path: before[path] for path in changed}, changed)

    def _replace(self, contents: Contents) -> None:
        """All new contents are on the disk before the first file changes: a full disk changes none."""
        beside: dict[Path, Path] = {}
        try:
            for path, content in contents.items():
                if content is not None:
                    beside[path] = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
                    write_synced(beside[path], content)
            for path, content in contents.items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    beside[path].replace(path)
        finally:
            for path in beside.values():
                path.unlink(missing_ok=True)

    def _ensure_served(self, change: _Change) -> None:
        """Returns when the workers serve `change`: by a reload of somebody else's, or by one for all who wrote."""
        with locks.held(self.home / "run" / "reload.lock"):
            served = self.served_generation()
            if served is not None and served >= change.generation:
                return
            try:
                self._reload()
            except ProvisioningError:
                self._put_back(change)
                raise

    def _reload(self) -> None:
        """One reload, for everything that is written when it begins. The caller holds `reload.lock`."""
        error_log = self.home / "log" / "error.log"
        locks.wait_for_turn(self.home / "run" / "reloaded", RELOAD_INTERVAL_S)
        with locks.held(self.home / "run" / "config.lock"):
            generation = self._written_generation()
            master = workers.master(self.home)
            if master is None:
                raise self._not_running()
            old = workers.of(master)
            log_from = error_log.stat().st_size if error_log.exists() else 0
            try:
                os.kill(master, signal.SIGHUP)
            except PermissionError as exc:
                raise OperatorError(f"the edge nginx (process {master}) runs as another user: run Berth as it") from exc
            locks.mark_turn(self.home / "run" / "reloaded")
            self._wait(lambda: self.served_generation() == generation, error_log, log_from)
        # Until the old workers have closed their listening sockets they may take a request yet.
        self._wait(lambda: not workers.accepting(old), error_log, None)

    def _wait(self, condition: Callable[[], bool], error_log: Path, log_from: int | None) -> None:
        """Looks until `condition` holds. Gives up where nginx died, or says from `log_from` on why it will not."""
        until = time.monotonic() + RELOAD_TIMEOUT_S
        while not condition():
            if workers.master(self.home) is None:
                raise self._not_running()
            said = "" if log_from is None else _refusal(error_log, log_from)
            if said or time.monotonic() > until:
                raise RetryableError(f"nginx did not take the new configuration: {said or 'it gave no reason in time'}")
            time.sleep(_LOOK_S)

    def _put_back(self, change: _Change) -> None:
        """What stood in the files before, unless somebody has written them since."""
        with contextlib.suppress(OSError), locks.held(self.home / "run" / "config.lock"):
            mine = {path: text for path, text in change.before.items() if content_of(path) == change.after[path]}
            if mine:
                generation = self._written_generation() + 1
                self._replace({self.home / GENERATION_FILE: render_edge_generation(generation).encode()})
                self._replace(mine)

    def _not_running(self) -> RetryableError:
        return ServiceUnavailable(
            f"the edge nginx of {self.home} does not run: start it (bin/up does, and `manage.py edge_config` "
            "prints the command); what was asked for waits until then"
        )


def _refusal(error_log: Path, log_from: int) -> str:
    """Why nginx keeps its old configuration; empty where it has not said so. It tries five times to bind to a port."""
    try:
        with error_log.open("rb") as file:
            file.seek(log_from)
            said = file.read(64 * 1024).decode(errors="replace")
    except FileNotFoundError:
        return ""
    final = [line for line in said.splitlines() if "[emerg]" in line and " bind() to " not in line]
    return brief(said) if final else ""
