"""The tools, one per file: the definition for clients, and the function that runs a call."""
