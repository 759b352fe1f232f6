"""What the edge's own machine serves without containers: trees, their file systems, and php-fpm's pools."""

from provisioning.edge.fallback.command import fallback_command
from provisioning.edge.fallback.config import fallback_from_settings, missing_extensions, refusal
from provisioning.edge.fallback.php_fpm import HostFallback

__all__ = ["HostFallback", "fallback_command", "fallback_from_settings", "missing_extensions", "refusal"]
