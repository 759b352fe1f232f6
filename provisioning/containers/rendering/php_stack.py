"""What PHP is to a plugin: every setting and extension that was decided on, each with its reason.

The pools of containers and of the host's fallback are written from this table, and so is the page
docs/reference/php-stack.md; a test holds each row against the real container.
"""

from dataclasses import dataclass

from provisioning.rendering.limits import PhpLimits

PHP_VERSION = "8.2"
# Mounted in the container; the fallback has the same in its own file system.
_MEMORY = "/tmp"  # noqa: S108 - inside the container
PRELUDE = "/etc/berth/prelude.php"
VARIABLES = "/etc/berth/variables.php"
SESSIONS = "/var/lib/php/sessions"

# The container is the boundary. This takes away the first tools of somebody who got in, and what makes a path mean
# something else between PHP's look at it and the kernel's.
DISABLED_FUNCTIONS = (
    "exec", "passthru", "shell_exec", "system", "proc_open", "popen", "dl", "pcntl_exec", "pcntl_fork",
    "proc_nice", "posix_kill", "posix_setuid", "posix_setgid", "show_source", "highlight_file", "symlink", "link",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One setting. With `is_fixed` a plugin can't change it; else by ini_set() or .user.ini, as PHP allows."""

    name: str
    value: str
    why: str
    is_fixed: bool = True


def pool_settings(limits: PhpLimits) -> tuple[Setting, ...]:
    """What the pool of one environment sets."""
    return (
        Setting(
            "open_basedir",
            f"/app:/tmp:/usr/share:{SESSIONS}:{PRELUDE}:{VARIABLES}",
            "the plugin's own tree and memory, fonts and time zones; nothing else of the container",
        ),
        Setting(
            "disable_functions",
            ",".join(DISABLED_FUNCTIONS),
            "no programs, no signals, no new links: the plugin's process is all there is",
        ),
        Setting(
            "auto_prepend_file",
            PRELUDE,
            "gives the plugin its variables, and keeps sessions within their bound; require a file of your own instead",
        ),
        Setting("auto_append_file", "", "nothing of the platform's runs after the plugin"),
        Setting(
            "memory_limit",
            f"{limits.memory_mib}M",
            "half of the environment's memory: one request can't take all of it",
        ),
        Setting(
            "post_max_size",
            f"{limits.body_mib}M",
            "half of the environment's disk, and 20 MiB at most, which is what a request may have",
        ),
        Setting("upload_max_filesize", f"{limits.body_mib}M", "as large as the request; a form's own bytes count too"),
        Setting("max_file_uploads", "20", "PHP's own"),
        Setting("max_input_vars", "3000", "large forms of settings, tables and menus arrive whole"),
        Setting("max_input_time", "60", "a request is read before a worker has it"),
        Setting(
            "max_execution_time",
            "30",
            "seconds of computing; waiting does not count. A request ends after 75 s in any case",
            is_fixed=False,
        ),
        Setting("upload_tmp_dir", _MEMORY, "memory, as large as the environment's disk"),
        Setting("sys_temp_dir", _MEMORY, "the same"),
        Setting(
            "session.save_handler",
            "files",
            "works without a server; they have a memory of their own, and never take the room of uploads",
        ),
        Setting("session.save_path", SESSIONS, "see there"),
        Setting("session.gc_probability", "1", "Debian sets 0 and cleans up with cron, which no container has"),
        Setting("session.gc_divisor", "100", "every hundredth visit that opens a session looks for old ones"),
        Setting(
            "session.gc_maxlifetime",
            "1440",
            "24 minutes without a visit. Under a flood of new sessions the longest unused go earlier",
            is_fixed=False,
        ),
        Setting("session.cookie_httponly", "1", "no script of the page reads the session's cookie", is_fixed=False),
        Setting("session.use_strict_mode", "1", "an id that the server did not make opens no session", is_fixed=False),
        Setting("session.lazy_write", "1", "a session that did not change is only marked as used", is_fixed=False),
        Setting("variables_order", "EGPCS", "$_ENV has the plugin's variables", is_fixed=False),
        Setting(
            "output_buffering",
            "4096",
            "as Debian has it: a header may follow a little output. Call ob_end_flush() before you stream",
            is_fixed=False,
        ),
        Setting("zlib.output_compression", "0", "compressing is the edge's to do", is_fixed=False),
        Setting("default_charset", "UTF-8", "as everywhere on the platform", is_fixed=False),
        Setting(
            "date.timezone",
            "UTC",
            "one time for all; date_default_timezone_set() chooses another, all zones are there",
            is_fixed=False,
        ),
        Setting("error_reporting", "22527", "E_ALL & ~E_DEPRECATED & ~E_STRICT, as for production", is_fixed=False),
        Setting("display_errors", "0", "visitors are shown no paths and no traces"),
        Setting("log_errors", "1", "they are in the app's log instead"),
        Setting("error_log", "/proc/self/fd/2", "the app's log"),
        Setting("html_errors", "0", "a log has no markup", is_fixed=False),
        Setting(
            "zend.exception_ignore_args",
            "1",
            "a trace in the log quotes no argument, which may be a password",
            is_fixed=False,
        ),
        Setting("short_open_tag", "0", "a file means the same on every host", is_fixed=False),
        Setting("allow_url_fopen", "1", "wrappers work; there is no network that they could reach"),
        Setting("allow_url_include", "0", "code comes from the reviewed tree alone"),
        Setting("cgi.fix_pathinfo", "1", "what follows a script's name is PATH_INFO; only a file that exists is run"),
        Setting("mail.add_x_header", "0", "see sendmail_path"),
    )


def startup_settings(limits: PhpLimits) -> tuple[Setting, ...]:
    """What PHP reads once, before there is a pool, and so from the command line of its master."""
    return (
        Setting("expose_php", "0", "no version in headers"),
        Setting(
            "sendmail_path", "/bin/false", "there is no mail server: mail() gives false, and no program is started"
        ),
        Setting("zend.assertions", "-1", "assert() costs nothing and is never run"),
        Setting("enable_dl", "0", "extensions are the platform's"),
        Setting("phar.readonly", "1", "an archive is code, and code is reviewed"),
        Setting("opcache.enable", "1", "compiled once"),
        Setting(
            "opcache.memory_consumption",
            str(limits.opcache_mib),
            "an eighth of the environment's memory, up to 128 MiB",
        ),
        Setting("opcache.interned_strings_buffer", str(max(1, limits.opcache_mib // 8)), "an eighth of that"),
        Setting("opcache.max_accelerated_files", "10000", "more than a release may have files of PHP"),
        Setting("opcache.validate_timestamps", "0", "a release never changes: it is not looked at again"),
        Setting("opcache.save_comments", "1", "annotations in comments work"),
        Setting("opcache.jit_buffer_size", "0", "no JIT: it costs memory, and most plugins gain nothing"),
        Setting("opcache.lockfile_path", _MEMORY, "the only place that can be written"),
        Setting("apc.enabled", "1", "a cache in memory that the workers of one container share"),
        Setting("apc.shm_size", f"{max(1, limits.opcache_mib // 4)}M", "a quarter of opcache's"),
        Setting("realpath_cache_size", "4096K", "PHP's own; not used while open_basedir stands"),
        Setting("user_ini.filename", ".user.ini", "a plugin may set what is not fixed for a directory of its own"),
    )


# Name, as extension_loaded() takes it -> why it is there.
EXTENSIONS: dict[str, str] = {
    "apcu": "a cache in memory",
    "bcmath": "exact arithmetic: money",
    "bz2": "archives",
    "calendar": "dates of other calendars",
    "ctype": "expected by every framework",
    "curl": "expected by every library for HTTP; nothing can be reached yet",
    "date": "PHP's own",
    "dom": "HTML and XML",
    "exif": "how a picture was taken, and which way is up",
    "fileinfo": "what an upload really is",
    "filter": "PHP's own",
    "gd": "pictures",
    "gettext": "translations; the locales that are there stand below",
    "gmp": "large numbers: cryptography, identifiers",
    "hash": "PHP's own",
    "iconv": "character sets",
    "igbinary": "small and fast serializing, for APCu and Redis",
    "imagick": "pictures, within limits: no format that reads other files or runs programs",
    "intl": "languages: sorting, numbers, dates, names of domains",
    "json": "PHP's own",
    "libxml": "below dom and xml",
    "mbstring": "texts in UTF-8",
    "openssl": "keys, signatures, random",
    "pcre": "PHP's own",
    "PDO": "databases, with the one driver below",
    "pdo_sqlite": "a database in a file of /tmp, or one that comes with the release",
    "Phar": "libraries that come as one file; read only",
    "posix": "ids of users and processes",
    "random": "PHP's own",
    "redis": "the key-value store, once an app is granted one",
    "Reflection": "PHP's own",
    "session": "PHP's own; see the settings",
    "SimpleXML": "XML",
    "soap": "old business partners; a WSDL must be a file of the release",
    "sockets": "expected by libraries; nothing but the container itself can be reached",
    "sodium": "modern cryptography",
    "SPL": "PHP's own",
    "sqlite3": "as pdo_sqlite",
    "standard": "PHP's own",
    "tokenizer": "expected by every framework",
    "xml": "XML",
    "xmlreader": "large XML",
    "xmlwriter": "large XML",
    "xsl": "transformations of XML",
    "Zend OPcache": "compiled code",
    "zip": "archives, and documents of offices",
    "zlib": "compression",
}
LEFT_OUT: dict[str, str] = {
    "mysqli": "a plugin has no network to a database; it comes with what an app may be granted",
    "pdo_mysql": "as mysqli",
    "pgsql": "as mysqli",
    "pdo_pgsql": "as mysqli",
    "mongodb": "as mysqli",
    "memcached": "as mysqli; APCu is there",
    "FFI": "native code passes by every wall of PHP's",
    "ftp": "no network",
    "readline": "nobody types",
    "shmop": "memory that no limit of PHP's counts; APCu is there",
    "sysvmsg": "as shmop",
    "sysvsem": "as shmop; flock() works",
    "sysvshm": "as shmop",
    "ldap": "no network",
    "imap": "no network, and it starts programs",
    "ssh2": "no network, and it is a way to other hosts",
    "pcntl": "processes are php-fpm's own business",
    "xdebug": "a debugger in production is a way in",
    "tidy": "dom repairs HTML as well",
    "swoole": "its own server beside php-fpm",
}
