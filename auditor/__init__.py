"""Checks a caisse from the outside: from what was signed, and from public keys alone."""
