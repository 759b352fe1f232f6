"""Certificates, as clients get them."""

from rest_framework import serializers

from provisioning.certificates.models import Certificate


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    """What the edge serves for a zone or a hostname, and what is wrong with what it could serve."""

    class Meta:
        model = Certificate
        fields = ["name", "names", "source", "fingerprint", "not_before", "not_after", "state", "error"]
        read_only_fields = fields
