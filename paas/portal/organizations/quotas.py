"""How much an organization may have, for operators. Its use stands on the organization's page."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.organizations.forms import LimitsForm
from paas.portal.pages import find_organization, page, person, put_refusal
from tenants import access
from tenants.exceptions import TenantsError
from tenants.organizations.selectors import usage_of
from tenants.organizations.services.quotas import organization_quota_set


@page("GET", "HEAD", "POST")
def limits(request: HttpRequest, slug: str) -> HttpResponse:
    organization = find_organization(request, slug)
    if request.method != "POST" and not access.may(request.user, "organization.set_quota", organization):
        raise Http404
    form = LimitsForm(request.POST if request.method == "POST" else None, limits=usage_of(organization))
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                organization_quota_set(organization=organization, limits=form.cleaned_data, actor=person(request))
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, f"The limits of {organization.slug} are set.")
                return redirect("portal:organization", organization.slug)
    context = {"organization": organization, "form": form}
    return render(request, "portal/organization_limits.html", context, status=status)
