"""`mcp-grok install`: adds this server to the configuration of an MCP client, or removes it."""
