"""The directories of the edge's home that its configuration names. The edge and the certificates both need them."""

SITES_DIRECTORY = "sites"
CERTIFICATES_DIRECTORY = "tls"
