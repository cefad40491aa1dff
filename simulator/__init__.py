"""Virtual hardware and virtual worlds: what tests and the demo play with instead of silicon."""
