"""Runs the jobs of pipelines, in a process of its own (`manage.py forge_runner`)."""
