"""Serving several callers over streamable HTTP and SSE."""
