"""`git clone` of a release's commit, for those who may view the release: read-only, from Berth's reading copy.

The password is an API token; the user name does not matter. Policies answer each call, so that access ends when they
say so, and the forge has no member that it must be rid of later. Only the release's own commit and its history can be
fetched, and only by git's protocol of version 0: the later one hands out any object whose id the client knows.
"""

import base64
import binascii
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import AuthenticationFailed

from paas.api.authentication import owner_of_token
from provisioning.exceptions import ProvisioningError, RetryableError
from provisioning.releases.services.readings import offer_commit
from provisioning.repositories.reading import streams
from provisioning.repositories.reading.copy import ReadingCopy
from tenants.access.finding import get_visible
from tenants.exceptions import TenantsError
from tenants.releases.models.release import Release

SERVICE = "git-upload-pack"
MAX_BODY_BYTES = 8 * 1024 * 1024


class Refused(Exception):
    """Ends the call with `status` and a text that git shows."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Admission:
    copy: ReadingCopy
    namespace: str
    body: bytes


@csrf_exempt
async def upload_pack(request: HttpRequest, release: int, service: str) -> HttpResponseBase:
    try:
        admission = await sync_to_async(admit)(request, release, service)
    except Refused as refusal:
        headers = {"WWW-Authenticate": 'Basic realm="berth: an API token as password"'} if refusal.status == 401 else {}
        text = f"{refusal.text}\n"
        return HttpResponse(text, status=refusal.status, headers=headers, content_type="text/plain; charset=utf-8")
    options = ["upload-pack", "--strict", "--stateless-rpc"]
    options += ["--http-backend-info-refs"] if service == "info/refs" else []
    answer = streams.output(
        admission.copy.directory,
        *(*options, str(admission.copy.directory)),
        sent=admission.body,
        more={"GIT_NAMESPACE": admission.namespace},
    )
    kind = "advertisement" if service == "info/refs" else "result"
    return StreamingHttpResponse(
        _announced(answer) if service == "info/refs" else answer,
        content_type=f"application/x-{SERVICE}-{kind}",
        headers={"Cache-Control": "no-cache, max-age=0, must-revalidate"},
    )


def admit(request: HttpRequest, release: int, service: str) -> Admission:
    """Finds the person and the release. Raises `Refused`."""
    if request.method != ("GET" if service == "info/refs" else "POST"):
        raise Refused(405, "405 Method Not Allowed")
    if service == "info/refs" and request.GET.get("service") != SERVICE:
        raise Refused(403, "A release is read here, and not written: push to the app's own repository.")
    try:
        user, _token = owner_of_token(request, _password(request))
        row = get_visible(Release.objects.select_related("app"), user=user, action="release.view", pk=release)
        copy, namespace = offer_commit(row)
    except AuthenticationFailed as error:
        raise Refused(401, "Sign in with any user name, and an API token as password.") from error
    except Http404 as error:
        raise Refused(404, "There is no such release that you may view.") from error
    except TenantsError as error:
        raise Refused(error.status, error.detail) from error
    except ProvisioningError as error:
        raise Refused(503 if isinstance(error, RetryableError) else 404, str(error)) from error
    return Admission(copy, namespace, b"" if service == "info/refs" else _body(request))


def _password(request: HttpRequest) -> str:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        raise AuthenticationFailed
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError) as error:
        raise AuthenticationFailed from error


def _body(request: HttpRequest) -> bytes:
    """The request's wants and haves; git compresses a long one."""
    sent = request.read(MAX_BODY_BYTES + 1)
    if request.headers.get("Content-Encoding", "") in ("gzip", "x-gzip"):
        unpacking = zlib.decompressobj(wbits=31)
        try:
            sent = unpacking.decompress(sent, MAX_BODY_BYTES + 1)
        except zlib.error as error:
            raise Refused(400, "The body is not gzip.") from error
    if len(sent) > MAX_BODY_BYTES:
        raise Refused(413, "The body is too large.")
    return sent


async def _announced(answer: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    line = f"# service={SERVICE}\n"
    yield f"{len(line) + 4:04x}{line}0000".encode()
    async for chunk in answer:
        yield chunk
