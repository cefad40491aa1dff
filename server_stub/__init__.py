"""The central reconciliation service: verifies, posts, settles."""
