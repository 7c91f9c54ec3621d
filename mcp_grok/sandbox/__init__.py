"""A local server that behaves as the documented API does, without a model.

It says in `system_fingerprint` and in its first sentence that it is a sandbox, and shares no code with the client,
so that each can show the other wrong.
"""
