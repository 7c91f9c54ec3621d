"""`python -m tests.bench`: what this server adds, measured beside a direct client and a bare SDK server."""
