"""What GitLab shows of things, as plain data."""
