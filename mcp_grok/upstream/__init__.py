"""HTTP and the chat-completions API, independent of MCP."""
