"""Makes true what tenants says should be true, and keeps it true."""
