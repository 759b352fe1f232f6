"""Where the forge's webhooks arrive: `POST /hooks/forge/`. No session, no API token: each app's hook has its own."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from provisioning.operations.wakeups import wake, wake_pushes
from provisioning.repositories.deliveries import MAX_BODY_BYTES, WebhookRefused, take_delivery


@csrf_exempt
@require_POST
def forge_webhook(request: HttpRequest) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES:
        return JsonResponse({"detail": f"a webhook's body has at most {MAX_BODY_BYTES} bytes"}, status=413)
    try:
        taken = take_delivery(
            token=request.headers.get("X-Gitlab-Token", ""),
            delivery_id=request.headers.get("Idempotency-Key") or request.headers.get("X-Gitlab-Webhook-UUID", ""),
            body=request.body,
        )
    except WebhookRefused:
        return JsonResponse({"detail": "the webhook's token is not the project's"}, status=401)
    for operation_id in taken.operations:
        wake(operation_id)
    if taken.pushed_app is not None:
        wake_pushes(taken.pushed_app)
    return JsonResponse({"woken": len(taken.operations) + (taken.pushed_app is not None)})
