"""Paying merchants: runs, their approval on a phone, their files, and books that were restored."""
