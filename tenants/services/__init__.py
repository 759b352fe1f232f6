"""Every write: keyword-only, names its actor, one transaction, one audit event, a signal after commit."""
