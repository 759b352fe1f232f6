"""`.gitlab-ci.yml`: reading it, its rules, and the pipelines made from it."""
