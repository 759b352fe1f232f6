"""Signals of tenants become tasks here."""
