"""What `manage.py doctor` looks at: each check asks one part of the running installation, and changes nothing."""
