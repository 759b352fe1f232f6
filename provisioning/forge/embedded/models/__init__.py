"""The forge's rows. Its users are its own: they are not Django's, nor Berth's."""

from provisioning.forge.embedded.models.hook import EVENTS, Delivery, Hook
from provisioning.forge.embedded.models.member import Member
from provisioning.forge.embedded.models.namespace import Namespace
from provisioning.forge.embedded.models.pipeline import ACTIVE, FINISHED, Job, Pipeline
from provisioning.forge.embedded.models.project import Project
from provisioning.forge.embedded.models.protection import ProtectedBranch, ProtectedTag
from provisioning.forge.embedded.models.push_event import PushEvent
from provisioning.forge.embedded.models.token import Token, token_digest, token_new
from provisioning.forge.embedded.models.user import User
from provisioning.forge.embedded.models.variable import Variable

__all__ = [
    "ACTIVE", "EVENTS", "FINISHED", "Delivery", "Hook", "Job", "Member", "Namespace", "Pipeline", "Project",
    "ProtectedBranch", "ProtectedTag", "PushEvent", "Token", "User", "Variable", "token_digest", "token_new",
]  # fmt: skip
