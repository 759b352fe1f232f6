"""What is looked at in a commit before people spend their time on it; a deployment looks at the same again."""
