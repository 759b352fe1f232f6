"""The nginx beside the plugin, in the platform's own container: static files, and the way to the plugin's socket."""

from provisioning.containers.rendering.compose import ANSWERS_HOME, SIDECAR_PORT, SOCKET
from provisioning.rendering.grammar import check_release
from provisioning.rendering.limits import ANSWER_MIB, ANSWERS, MAX_BODY_MIB
from provisioning.rendering.specs import ReleaseSpec
from provisioning.rendering.text import fill, template
from provisioning.rendering.times import PLUGIN_CONNECT_S, SERVER_IDLE_S, SIDECAR_SEND_S, Times


def render_sidecar_nginx(spec: ReleaseSpec) -> str:
    """The sidecar's nginx.conf. Only the stack decides what is in it: no text of a tenant's enters."""
    check_release(spec)
    tree = render_tree(spec.stack, socket=SOCKET, times=spec.times, keeps_answers=True)
    return fill(
        "sidecar/server.conf",
        BODY_MIB=MAX_BODY_MIB,
        PORT=SIDECAR_PORT,
        # The static stack has no answers but its files.
        ANSWERS=ANSWERS_HOME if spec.stack == "php" else "/tmp/fastcgi",  # noqa: S108 - inside the container
        SHUTDOWN=spec.times.shutdown_s,
        BODY=spec.times.sidecar_body_s,
        SEND=SIDECAR_SEND_S,
        IDLE=SERVER_IDLE_S,
        TYPES=render_types(indent="    "),
        TREE=tree,
    )


def render_types(*, indent: str = "") -> str:
    """What a file's name says of its content: of the platform's own, since Debian's list ends in 2010."""
    return "".join(f"{indent}{line}\n" if line else "\n" for line in template("sidecar/mime.types").splitlines())


def render_tree(stack: str, *, socket: str, times: Times, prefix: str = "", keeps_answers: bool = False) -> str:
    """What a release's tree is to a visitor, for inside a `server`: wherever it is served from, it is the same.

    The tree lies at `prefix`/app for nginx, and at /app for the php-fpm behind `socket`. With `keeps_answers` nginx
    keeps the rest of an answer for a slow visitor, within the bounds of `limits`; else php-fpm waits for that visitor.
    """
    if stack == "php":
        hidden = fill("sidecar/hidden-php.conf", PREFIX=prefix).strip()
        locations = fill(
            "sidecar/php.conf",
            PREFIX=prefix,
            SOCKET=socket,
            HIDDEN=hidden,
            FASTCGI=fill("sidecar/fastcgi.conf", CONNECT=PLUGIN_CONNECT_S, REQUEST=times.request_s),
            SPOOLED=fill("sidecar/spooled.conf", COUNT=ANSWERS, SIZE=ANSWER_MIB) if keeps_answers else "",
            REQUEST=times.request_s,
        )
        index, indexes = "index.php", "index.php index.html"
    else:
        locations = fill("sidecar/static.conf")
        hidden = "return 404;"
        index = indexes = "index.html"
    return fill("sidecar/tree.conf", PREFIX=prefix, INDEX=index, INDEXES=indexes, HIDDEN=hidden, LOCATIONS=locations)
