"""The committee's rules: what is in force and since when, what there was, and a new vote."""
