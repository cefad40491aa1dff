"""A whole caisse in one process with a time of its own, made to go wrong, and judged."""
