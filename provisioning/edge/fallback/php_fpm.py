"""Drives what stands in for containers on the edge's own machine: trees and php-fpm's pools.

A pool is written beside, tested with `php-fpm -t` among the others, swapped in and loaded, or what was there is put
back. One file lock decides who writes; who php-fpm's master is, is read from /proc.
"""

import contextlib
import errno
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from provisioning.containers.rendering.php_stack import PRELUDE, VARIABLES
from provisioning.containers.rendering.variables import render_prelude, render_variables
from provisioning.edge import locks
from provisioning.edge.fallback import ping, trees
from provisioning.edge.fallback.command import CONFIGURATION, PHP_FPM, master_settings
from provisioning.edge.rendering.fallback import render_fallback_main, render_fallback_pool
from provisioning.exceptions import (
    ConfigurationRefused,
    OperatorError,
    PermanentError,
    RetryableError,
    ServiceUnavailable,
)
from provisioning.rendering.grammar import check_fallback
from provisioning.rendering.specs import FallbackSpec

TEST_TIMEOUT_S = 30
# The master looks for its first pool every 2 s, and waits 5 s for requests before it loads another.
LOAD_TIMEOUT_S = 15
_SIGNAL_INTERVAL_S = 2.0
_LOOK_S = 0.02
_PROC = Path("/proc")


class HostFallback:
    """The fallbacks of one machine, by their home. Instances, threads and processes may share it.

    `worker_user` is who the edge's workers run as: they alone read the trees and connect to the pools.
    """

    def __init__(self, home: Path, *, worker_user: str) -> None:
        self.home = home
        self.worker_user = worker_user

    def ensure(self, spec: FallbackSpec, variables: Mapping[str, str]) -> bool:
        """What the server of `spec` in the edge needs is there when this returns; gives whether anything was missing.

        Raises `ConfigurationRefused` with php-fpm's message if it refuses the pool, `RetryableError` if it does not
        load it or does not run, `OperatorError` if the machine refuses. The other pools are as they were then.
        """
        check_fallback(spec)
        text = render_fallback_pool(spec) if spec.stack == "php" else ""
        own = {VARIABLES: render_variables(variables), PRELUDE: render_prelude(disk_mib=spec.disk_mib)}
        with self._disk(), self._locked():
            changed = trees.ensure_root(spec, own if spec.stack == "php" else {})
            if spec.stack != "php":
                return changed
            if changed:
                # Workers that run see the tree of before, which is gone.
                self._unload(spec)
            changed = trees.ensure_mounts(spec) or changed
            return self._ensure_pool(spec, text) or changed

    def lacking(self, spec: FallbackSpec) -> str:
        """The first thing that `ensure` would have to make, and what it would have to make it from; empty if nothing.

        It changes nothing, and waits for nobody.
        """
        has_release = "" if Path(spec.code).is_dir() else " without its release"
        if not trees.is_whole(spec):
            return f"tree missing{has_release}"
        if spec.stack != "php":
            return ""
        if not trees.has_mounts(spec):
            return "memory disk missing"
        texts = {
            self._pool(spec.name): render_fallback_pool(spec),
            self._main: render_fallback_main(pools=PurePosixPath(self.home / "pools")),
        }
        with self._disk():
            if any(_content(path) != text for path, text in texts.items()):
                return "pool missing"
            if ping.listens(Path(spec.socket)):
                return ""
        return "pool not loaded" if self._master() else "php-fpm not running"

    def remove(self, names: Collection[str]) -> None:
        """Takes pools, trees and what was written in them away. What is not there is as good.

        Running requests of the pools have 5 s to end. Without a pool left php-fpm ends.
        """
        with self._disk(), self._locked():
            pools = [pool for name in names if (pool := self._pool(name)).exists()]
            for pool in pools:
                pool.unlink()
            if pools:
                self._forget_main_without_pools()
                self._signal(signal.SIGUSR2 if self._main.exists() else signal.SIGQUIT)
            for name in names:
                trees.remove_root(self.home, name)

    def names(self) -> set[str]:
        """Of everything that is there now."""
        with self._disk():
            roots, pools = (self.home / "roots").glob("[!.]*"), (self.home / "pools").glob("[!.]*.conf")
            return {path.name for path in roots} | {path.stem for path in pools}

    @property
    def _main(self) -> Path:
        return self.home / CONFIGURATION

    def _pool(self, name: str) -> Path:
        return self.home / "pools" / f"{name}.conf"

    def _ensure_pool(self, spec: FallbackSpec, text: str) -> bool:
        path = self._pool(spec.name)
        main = render_fallback_main(pools=PurePosixPath(self.home / "pools"))
        before = {name: _content(name) for name in (path, self._main)}
        wanted = {path: text, self._main: main}
        changed = {name: content for name, content in wanted.items() if before[name] != content}
        # One whose workers are all busy listens, too: it is not loaded again for that, which would disturb the others.
        if not changed and ping.listens(Path(spec.socket)):
            return False
        if changed:
            self._test(spec.name, text)
        try:
            for name, content in changed.items():
                _replace(name, content)
            self._load(spec)
        except (RetryableError, PermanentError, OSError):
            self._put_back({name: before[name] for name in changed})
            raise
        return True

    def _test(self, name: str, text: str) -> None:
        """`php-fpm -t` over a copy of the configuration with the pool in it."""
        candidate = self.home / f".candidate-{secrets.token_hex(4)}"
        try:
            candidate.mkdir(mode=0o700)
            for other in (self.home / "pools").glob("[!.]*.conf"):
                if other.stem != name:
                    (candidate / other.name).symlink_to(other)
            _replace(candidate / f"{name}.conf", text)
            main = candidate / "main"
            _replace(main, render_fallback_main(pools=PurePosixPath(candidate)))
            said = _run([PHP_FPM, "--test", "--fpm-config", str(main), *master_settings()])
        finally:
            shutil.rmtree(candidate, ignore_errors=True)
        if said:
            raise ConfigurationRefused(f"php-fpm refuses the pool, the others stay (php-fpm: {said})")

    def _unload(self, spec: FallbackSpec) -> None:
        """Takes the pool away, where there is one, and returns when nobody listens for it any more."""
        path = self._pool(spec.name)
        if not path.exists():
            return
        path.unlink()
        self._forget_main_without_pools()
        until = time.monotonic() + LOAD_TIMEOUT_S
        next_signal = 0.0
        while ping.listens(Path(spec.socket)):
            now = time.monotonic()
            if now > until:
                raise RetryableError(f"php-fpm did not let go of the pool of {spec.name}: its log says why")
            if now > next_signal and self._signal(signal.SIGUSR2 if self._main.exists() else signal.SIGQUIT):
                next_signal = now + _SIGNAL_INTERVAL_S
            time.sleep(_LOOK_S)

    def _load(self, spec: FallbackSpec) -> None:
        """Has the master read its configuration, or waits until one is started; returns when the pool answers."""
        until = time.monotonic() + LOAD_TIMEOUT_S
        next_signal = 0.0
        while not ping.answers(Path(spec.socket)):
            now = time.monotonic()
            if now > until:
                if self._master() is None:
                    raise ServiceUnavailable(
                        f"the php-fpm of {self.home} does not run: start it (bin/up does, and `manage.py "
                        "fallback_config` prints the command)"
                    )
                raise RetryableError(f"php-fpm did not load the pool of {spec.name}: its log says why")
            # Again and again: one that comes while the master begins anew is lost.
            if now > next_signal and self._signal(signal.SIGUSR2):
                next_signal = now + _SIGNAL_INTERVAL_S
            time.sleep(_LOOK_S)

    def _put_back(self, before: Mapping[Path, str | None]) -> None:
        with contextlib.suppress(OSError):
            for path, content in before.items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    _replace(path, content)
            self._forget_main_without_pools()
            self._signal(signal.SIGUSR2 if self._main.exists() else signal.SIGQUIT)

    def _forget_main_without_pools(self) -> None:
        """php-fpm refuses to run without a pool: its process manager's command then waits for the next one."""
        if not any((self.home / "pools").glob("[!.]*.conf")):
            self._main.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> bool:
        master = self._master()
        if master is None:
            return False
        try:
            os.kill(master, number)
        except ProcessLookupError:
            return False
        return True

    def _master(self) -> int | None:
        """Anybody can call a process so: only one of Berth's own user is it."""
        title = f"php-fpm: master process ({self._main})".encode()
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    is_called_so = (entry / "cmdline").read_bytes().split(b"\0")[0].rstrip() == title
                    if is_called_so and entry.stat().st_uid == os.geteuid():
                        return int(entry.name)
        return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # The edge's workers pass through to trees and sockets, and nobody else does.
        for name, mode in (("", 0o711), ("pools", 0o700), ("roots", 0o710), ("run", 0o710), ("bodies", 0o710)):
            path = self.home / name
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
            if mode == 0o710 and os.geteuid() == 0:
                shutil.chown(path, "root", _group_of(self.worker_user))
        with locks.held(self.home / "lock"):
            for leftover in (*self.home.glob(".candidate-*"), *(self.home / "roots").glob(".*")):
                shutil.rmtree(leftover, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise OperatorError(f"the disk of {self.home} is full: free space") from exc
            raise OperatorError(
                f"{self.home} can't be written ({exc.strerror}: {exc.filename}): make it writable for the user that "
                "Berth runs as"
            ) from exc


def _group_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError:
        raise OperatorError(f"the edge's workers are to run as {user}, and there is no such user") from None


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """The whole new text, or the old one. For its owner alone."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _run(command: list[str]) -> str:
    """What php-fpm has against its configuration; empty where nothing."""
    environment = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin", "LC_ALL": "C.UTF-8"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=TEST_TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise OperatorError(f"{PHP_FPM} is not installed: run apt-get install php8.2-fpm") from exc
    except subprocess.TimeoutExpired as exc:
        raise RetryableError(f"php-fpm did not test the pool within {TEST_TIMEOUT_S} s: is the machine busy?") from exc
    if result.returncode == 0:
        return ""
    lines = [line for line in result.stderr.splitlines() if " NOTICE: " not in line] or result.stderr.splitlines()
    return "; ".join(lines)[:1000] or f"exit status {result.returncode}"
