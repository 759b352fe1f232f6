"""The forge's rows. Its users are its own: they are not Django's, nor Berth's."""

from provisioning.embedded_forge.models.hook import EVENTS, Delivery, Hook
from provisioning.embedded_forge.models.member import Member
from provisioning.embedded_forge.models.namespace import Namespace
from provisioning.embedded_forge.models.pipeline import ACTIVE, FINISHED, Job, Pipeline
from provisioning.embedded_forge.models.project import Project
from provisioning.embedded_forge.models.protection import ProtectedBranch, ProtectedTag
from provisioning.embedded_forge.models.push_event import PushEvent
from provisioning.embedded_forge.models.token import Token, token_digest, token_new
from provisioning.embedded_forge.models.user import User
from provisioning.embedded_forge.models.variable import Variable

__all__ = [
    "ACTIVE", "EVENTS", "FINISHED", "Delivery", "Hook", "Job", "Member", "Namespace", "Pipeline", "Project",
    "ProtectedBranch", "ProtectedTag", "PushEvent", "Token", "User", "Variable", "token_digest", "token_new",
]  # fmt: skip
