"""The Responses API behind a chat completion: server-side tools such as web search, and stored conversations.

https://docs.x.ai/docs/api-reference#create-new-response
"""
