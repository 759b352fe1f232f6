"""A forge for one machine that answers GitLab's REST API v4 and git over HTTP.

It shares no code with the rest of Berth, which reaches it as it reaches a GitLab: over HTTP.
"""
