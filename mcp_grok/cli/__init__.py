"""The commands of `mcp-grok`, one per file."""
