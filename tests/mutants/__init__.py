"""Planted bugs as data: what the tests have to see."""
