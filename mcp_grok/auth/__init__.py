"""Authentication of callers over HTTP, and their quotas."""
