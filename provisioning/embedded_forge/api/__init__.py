"""REST API v4: one file per resource. A file is found by being listed in `api/registry.py`."""
