"""What should be true: organizations, plugin apps, environments, releases, reviews. Imports neither provisioning nor paas."""
