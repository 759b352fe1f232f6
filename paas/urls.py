"""Where each room is reached."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from paas.code import upload_pack
from paas.static import serve
from provisioning.repositories.api.webhooks import forge_webhook

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("paas.api.router")),
    path("hooks/forge/", forge_webhook, name="forge-webhook"),
    path("code/releases/<int:release>.git/info/refs", upload_pack, {"service": "info/refs"}),
    path("code/releases/<int:release>.git/git-upload-pack", upload_pack, {"service": "git-upload-pack"}),
    path("static/<path:path>", serve),
    path("", include("paas.portal.urls")),
]

if settings.EMBEDDED_FORGE:
    urlpatterns.append(path("forge/", include("provisioning.embedded_forge.urls")))

handler400 = "paas.api.errors.bad_request"
handler403 = "paas.api.errors.permission_denied"
handler404 = "paas.api.errors.page_not_found"
handler500 = "paas.api.errors.server_error"
