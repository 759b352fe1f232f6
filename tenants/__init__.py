"""What should be true: organizations, apps, environments, releases, reviews. Imports neither provisioning nor paas."""
