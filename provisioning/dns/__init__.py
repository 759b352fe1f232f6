"""Names in the DNS: what records there should be, who keeps them, and whether the world sees them.

The only home of dnspython and dns-lexicon. `records` and `protocol` are what the rest is made of.
"""
