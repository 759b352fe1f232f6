"""Where the edge's certificates come from, and what they must be before the edge uses them."""
