"""The pages of docs/reference that are written from the code: `manage.py reference --write` writes all of them."""
