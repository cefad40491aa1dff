"""The home page: a day, not a menu."""
