"""The roof of the REST API: what holds for every call, whichever room answers it."""
