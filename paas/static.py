"""Serves Berth's own few static files: those of the portal and of the API's documentation page.

Under ASGI, Django's own view streams from a synchronous iterator and logs a warning for each file.
"""

import mimetypes
from pathlib import Path

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import http_date
from django.views.decorators.http import require_safe

MAX_AGE_S = 3600


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponse:
    """A file of an installed package or of `templates/static`; 404 for anything else, `..` included."""
    try:
        found = finders.find(path)
    except (ValueError, SuspiciousFileOperation):
        found = None
    if not isinstance(found, str) or not Path(found).is_file():
        raise Http404
    file = Path(found)
    modified = http_date(file.stat().st_mtime)
    if request.headers.get("If-Modified-Since") == modified:
        return HttpResponse(status=304)
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"Last-Modified": modified, "Cache-Control": f"max-age={MAX_AGE_S}"}
    return HttpResponse(file.read_bytes(), content_type=content_type, headers=headers)
