"""The nginx beside the plugin, in the platform's own container: static files, and the way to the plugin's socket."""

from provisioning.rendering.compose import SIDECAR_PORT, SOCKET_HOME
from provisioning.rendering.grammar import check_release
from provisioning.rendering.limits import MAX_BODY_MIB
from provisioning.rendering.specs import ReleaseSpec
from provisioning.rendering.text import fill


def render_sidecar_nginx(spec: ReleaseSpec) -> str:
    """The sidecar's nginx.conf. Only the stack decides what is in it: no text of a tenant's enters."""
    check_release(spec)
    tree = render_tree(spec.stack, socket=f"{SOCKET_HOME}/php-fpm.sock")
    return fill("sidecar/server.conf", BODY_MIB=MAX_BODY_MIB, PORT=SIDECAR_PORT, TREE=tree)


def render_tree(stack: str, *, socket: str, prefix: str = "") -> str:
    """What a release's tree is to a visitor, for inside a `server`: wherever it is served from, it is the same.

    The tree lies at `prefix`/app for nginx, and at /app for the php-fpm behind `socket`.
    """
    if stack == "php":
        fastcgi = fill("sidecar/fastcgi.conf", SOCKET=socket).rstrip("\n")
        locations = fill("sidecar/php.conf", FASTCGI=fastcgi)
        index, indexes = "index.php", "index.php index.html"
    else:
        locations = fill("sidecar/static.conf")
        index = indexes = "index.html"
    return fill("sidecar/tree.conf", PREFIX=prefix, INDEX=index, INDEXES=indexes, LOCATIONS=locations)
