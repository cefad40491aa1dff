"""How passwords are kept: Argon2id, at a price that a small server can pay several times."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Django's, with the first set of parameters of OWASP's password storage recommendations.

    19 MiB, two passes, one lane: eight people who enter in the same second take 150 MiB, where
    Django's own 100 MiB each would be more than the machine has.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
