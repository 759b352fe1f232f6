"""The tokens of service accounts end with the person who made them."""

from django.db.models import Q
from django.utils import timezone

from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.organizations.models.organization import Organization
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.token_ends import announce_end, tokens_end
from tenants.releases.models.authorship import ServiceAccountKeeper


@unit_of_work
def kept_tokens_end(person: User, organization: Organization) -> dict[str, int]:
    """Ends the tokens that `person` made for the organization's service accounts, and all tokens for git of these.

    Gives the number of API tokens by the account's name. So do tokens end of which nobody knows any more who made them,
    if the person made any token of that account: nobody keeps a way that they were not given. The accounts stay, and an
    owner makes new tokens. To be called in the unit of work that takes something from the person; the account that
    loses its tokens has an event of its own.
    """
    found = {}
    kept = ServiceAccountKeeper.objects.filter(person=person, account__service_organization=organization, until=None)
    for keeper in kept.select_related("account").order_by("pk"):
        account = keeper.account
        theirs = Q(keeper=person) | Q(keeper=None)
        ended = tokens_end(ApiToken.objects.filter(theirs, user=account))
        ServiceAccountKeeper.objects.filter(pk=keeper.pk).update(until=timezone.now())
        if not account.is_active:
            continue
        announce_end(account)
        found[account.username] = ended
        audit_record(
            action="service_account.tokens_ended",
            message=(
                f"{ended} of the API tokens of {account.username}, and its tokens for git, ended with {person}, "
                "who made them: an owner can make new ones"
            ),
            organization=organization,
            obj=account,
            data={"username": account.username, "keeper": person.username, "tokens_revoked": ended},
        )
    return found
