"""The console's door: passwords, passkeys, codes, sessions, and who is let in."""
