"""What gunicorn reads beside its options: lines like ours, and no names of programs."""

from __future__ import annotations

from server_stub.log_lines import LOGGED

logconfig_dict = LOGGED
preload_app = False
"""Each process reads keys and opens the database for itself."""
max_requests = 10_000
max_requests_jitter = 1_000
"""A process is replaced now and then: what leaks, leaks no further."""
