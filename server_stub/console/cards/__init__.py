"""Cards: whose they are, what they spent, and what happens when one is lost."""
