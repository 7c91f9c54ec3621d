"""A local server that behaves as the documented APIs do, without a model.

It says in `system_fingerprint` and in its first sentence that it is a sandbox, and shares no code with the client,
so that each can show the other wrong. Start reading at `dialects.py`.
"""
