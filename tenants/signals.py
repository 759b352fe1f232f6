"""Sent after commit, with an id: the fast path. The rows are the truth; a sweep finds what a lost signal left."""

from django.dispatch import Signal

account_ended = Signal()  # user_id: deactivated, or a service account that was removed
custom_domain_changed = Signal()  # domain_id, environment_id: it is served from now on, or is not any more
custom_domain_check_requested = Signal()  # domain_id
app_requested = Signal()  # app_id
app_retiring = Signal()  # app_id
authors_outdated = Signal()  # app_id: who pushed the commits of its open releases must be looked up again
membership_changed = Signal()  # organization_id
release_submitted = Signal()  # release_id
release_approved = Signal()  # release_id
release_cancelled = Signal()  # release_id
