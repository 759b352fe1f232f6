"""A new organization."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from paas.portal.forms import OrganizationForm
from paas.portal.pages import page, person, put_refusal
from tenants.exceptions import TenantsError
from tenants.services.organizations import organization_create


@page("GET", "HEAD", "POST")
def organization_new(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                organization = organization_create(**form.cleaned_data, actor=person(request))
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, f"Organization {organization.slug} is made, and you are its owner.")
                return redirect(f"{reverse('portal:app-new')}?organization={organization.slug}")
    return render(request, "portal/organization_new.html", {"form": form}, status=status)
