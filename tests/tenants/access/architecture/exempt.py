"""What may do without the policies, each with the reason. One that is not needed any more fails the build."""

_KEYS = "keeps answers to requests of one's own by one's own key"
_OWN_FACTOR = "one's own second factor, which takes the password or a code instead"
_NOBODY_YET = "finds out who asks: there is nobody yet to decide about"
_FOUND = "reads the commit of a release that was found by release.view"
_VISIBLE_ERROR = "says whose move it is, and what comes next, after an error that is visible"
_PURE = "computes a text, and reads no row"

# Functions of views that reach rows past `tenants.access`.
VIEWS = {
    "paas.api.authentication.owner_of_token": _NOBODY_YET,
    "paas.api.health.database_answers": "asks the database for the number 1, and for no row",
    "paas.portal.apps.environments.show_settings": "compares an environment that is visible with its live release",
    "paas.portal.names.presenters.edge_urls": "names the hostnames of an environment that is visible: a part of it",
    "paas.portal.operations.presenters.show_work": "says whose move it is after an error of work that is visible",
    "paas.portal.names.presenters.show_domain": "shows what is to be set for a domain that is visible",
    "paas.portal.organizations.views.show_list": "counts what they have founded who looks",
    "paas.portal.organizations.views.show_organization": "counts what an organization has that is visible",
    "paas.portal.organizations.quotas.limits": "counts what an organization has that is visible",
    "paas.portal.organizations.views._accounts": "reads the role of accounts that are visible: a part of them",
    "paas.portal.releases.rollbacks._candidates": "chooses one of the releases that are visible",
    "tenants.organizations.api.quotas.OrganizationQuotaView.get": "counts what an organization has that is visible",
    "tenants.organizations.api.quotas.PersonQuotaView.get": "counts what a person has who is visible",
    "provisioning.operations.api.serializers.DeploymentSerializer.get_next_step": _VISIBLE_ERROR,
    "provisioning.operations.api.serializers.DeploymentSerializer.get_whose_move": _VISIBLE_ERROR,
    "paas.portal.apps.app_page.app_page": "says whether who asks is a member; the app was found by app.view",
    "paas.portal.releases.contents._listed": _FOUND,
    "paas.portal.names.views._listed": "says whether a domain that is visible waits for an operator",
    "paas.portal.releases.contents.release_file": _FOUND,
    "paas.portal.releases.views.contents_of": "is restricted by the selectors that it asks",
    "provisioning.dns.api.views.ZonePlanView.get": "compares a zone that was found by zone.view, and asks dns.plan",
    "provisioning.dns.api.views.ZoneRecordListView.get_queryset": "a zone's records are the zone, found before",
    "provisioning.releases.api.readings.ReleaseFileView.get": _FOUND,
    "provisioning.releases.api.readings.ReleaseTreeView.get": _FOUND,
    "tenants.releases.api.views._shown": "is restricted by the selector that it asks",
    "tenants.rest.base.signed_in_again": "reads again whether the account of who asks is still active",
    "tenants.rest.idempotency.IdempotentCreate.post": _KEYS,
    "tenants.rest.idempotency._claim": _KEYS,
    "tenants.rest.idempotency._keep": _KEYS,
    "tenants.names.api.serializers.DomainSerializer.get_detail": "says why a domain that is visible waits",
    "tenants.names.api.serializers.DomainSerializer.get_records": "shows what a visible domain's owner has to set",
    "tenants.apps.api.serializers_live.EnvironmentComparison.get_live": "shows a part of a visible environment",
    "tenants.apps.api.serializers_live.EnvironmentComparison.get_pending": "shows a part of a visible environment",
    "tenants.people.api.serializers.ServiceAccountSerializer.get_role": "shows the role of an account that is visible",
    "tenants.policies.api.explanations.WhoCanView.get": "asks organization.who_can or user.explain",
    "tenants.audit.api.views.AuditExportView.get_queryset": "is restricted chunk by chunk, as the export is read",
    "tenants.policies.api.policies.PolicyVersionListView.get_queryset": "its policy was found before",
    "tenants.policies.api.policies.SimulationView.post": "asks policy.simulate, which is about decisions on all rows",
}
# Services that name an actor and ask no policy about them.
SERVICES = {
    "provisioning.repositories.services.git_tokens.git_token_revoke": "ends a token of who asks",
    "provisioning.releases.services.readings.diff_show": _FOUND,
    "provisioning.releases.services.readings.file_diff_show": _FOUND,
    "provisioning.releases.services.readings.file_handed_over": _FOUND,
    "provisioning.repositories.services.repositories.git_tokens_condemn": "ends tokens of one who asks, or has left",
    "tenants.audit.services.record.audit_record": "writes down what another service did",
    "tenants.names.services.domains.domain_end": "ends a claim for domain_remove, which has asked",
    "tenants.names.services.domains.record": "writes down what another service did",
    "tenants.reviews.services.readings.difference_shown": "notes nothing for one who may not decide on the release",
    "tenants.reviews.services.readings.file_shown": "notes nothing for one who may not decide on the release",
    "tenants.reviews.services.readings.require_read": "is asked by release_approve, which has asked the policies",
    "tenants.people.services.second_factor.recovery_codes_renew": _OWN_FACTOR,
    "tenants.people.services.second_factor.second_factor_confirm": _OWN_FACTOR,
    "tenants.people.services.second_factor.second_factor_enroll": _OWN_FACTOR,
    "tenants.people.services.second_factor.second_factor_remove": _OWN_FACTOR,
}
# Services without an actor that views call.
CALLED = {
    "provisioning.repositories.services.git_tokens.git_tokens_listed": "lists the tokens of who asks, at the forge",
    "provisioning.releases.services.readings.file_of": _FOUND,
    "provisioning.releases.services.readings.tree_of": _FOUND,
    "provisioning.repositories.services.repositories.git_tokens_revoke": "ends the tokens of who asks",
    "provisioning.repositories.services.repositories.git_token_create": "makes a token for the account that asks",
    "tenants.people.services.memberships.organizations_left_without": "tells operators what a change has left behind",
    "tenants.people.services.second_factor.second_factor_shown": _NOBODY_YET,
    "tenants.people.services.second_factor.second_factor_state": "reads one's own",
    "tenants.people.services.service_accounts.service_account_name": _PURE,
    "tenants.people.services.service_accounts.service_account_username": _PURE,
    "tenants.people.services.sign_in.password_check": _NOBODY_YET,
    "tenants.people.services.sign_in.signed_in_record": "writes down that somebody signed in",
    "tenants.people.services.tokens.token_sha256": _PURE,
    "tenants.audit.services.unit_of_work.unit_of_work": "is around services, which ask",
}
