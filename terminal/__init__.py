"""The point of sale: sells from a card, offline, and keeps a signed journal."""
