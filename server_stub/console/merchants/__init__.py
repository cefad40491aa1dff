"""Merchants: what they signed, what they are owed, and where it is paid to."""
