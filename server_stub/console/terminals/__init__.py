"""Terminals: how they are, whom they sell for, and what happens when one is gone."""
