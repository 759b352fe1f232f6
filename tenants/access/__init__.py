"""The only place that decides who may do what: attribute-based policies, one evaluation for one row and for many.

`decide` asks about one row, `restrict` finds the rows; both read the same policies (`policies`), the first as functions
(`evaluation`), the second as SQL constraints (`constraints`). Explicit grants (`grants`) are ORed in before denies.
"""

from tenants.access.decisions import (
    GRANT,
    Decision,
    changing,
    decide,
    may,
    may_ever,
    require,
    require_scope,
    restrict,
)
from tenants.access.in_force import (
    begin_evaluation,
    changes_taken_back,
    end_evaluation,
    evaluation,
    look_again,
    people_changed,
    policies_changed,
    stamp_of,
)
from tenants.access.lockout import refuse_lockout
from tenants.access.subjects import Context, Subject

__all__ = [
    "GRANT",
    "Context",
    "Decision",
    "Subject",
    "begin_evaluation",
    "changes_taken_back",
    "changing",
    "decide",
    "end_evaluation",
    "evaluation",
    "look_again",
    "may",
    "may_ever",
    "people_changed",
    "policies_changed",
    "refuse_lockout",
    "require",
    "require_scope",
    "restrict",
    "stamp_of",
]
