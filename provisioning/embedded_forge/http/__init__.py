"""Requests and answers as GitLab shapes them: routing, parameters, errors, pagination, tokens."""
