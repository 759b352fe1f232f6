"""Webhooks as GitLab sends them: payloads, and one attempt each."""
