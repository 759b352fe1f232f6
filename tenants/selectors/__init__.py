"""Every read that is more than a filter. Who may see which of the rows is for `tenants.access`."""
