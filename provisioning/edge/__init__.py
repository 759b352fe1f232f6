"""The edge: one nginx in front of all apps."""

from provisioning.edge.commands import edge_command
from provisioning.edge.config import edge_from_settings, edge_spec_from_settings
from provisioning.edge.nginx import EdgeNginx

__all__ = ["EdgeNginx", "edge_command", "edge_from_settings", "edge_spec_from_settings"]
