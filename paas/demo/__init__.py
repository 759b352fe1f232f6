"""The demo: one plugin's whole way, told with what a user has: the REST API, git over HTTP, HTTP through the edge."""
