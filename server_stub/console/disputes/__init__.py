"""Disputed sales, and slips of the paper carnet."""
