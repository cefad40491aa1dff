"""Months of a caisse, lived through the real services on virtual hardware: the demo's data."""
