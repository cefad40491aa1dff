"""A town of real processes: tills, their sync, the service, a database, and a bad line between."""
