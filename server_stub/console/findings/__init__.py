"""What does not match: the list, each point's page, and what people do about it."""
