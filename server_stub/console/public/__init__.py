"""What everybody may read: the caisse in figures, and the rules in force."""
