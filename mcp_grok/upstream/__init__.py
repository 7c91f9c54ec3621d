"""HTTP and the chat-completions API. Nothing in here knows MCP."""
