"""Bare repositories, through git plumbing only: no clone, no work tree."""
