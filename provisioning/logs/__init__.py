"""Container logs: the last lines, following, masking. Reads the engines' own logs; what is removed there is gone."""
