"""The commands of `mcp-grok`, one a file."""
