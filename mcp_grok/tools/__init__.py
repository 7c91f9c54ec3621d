"""The tools, one a file: what the client sees, then a call into the package."""
