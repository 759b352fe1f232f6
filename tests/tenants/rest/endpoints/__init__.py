"""How every call of the API is made, by whom it may be, and what it answers. A call without an entry fails the build.

`routes` reads the calls off the URL table, `table_*` say how each is made, `world` makes the rows that they name.
"""
