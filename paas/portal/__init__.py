"""The self-service portal and the reviewers' desk: views and forms, no rules."""
