"""A local server that answers chat completions and responses as the documented APIs do, without a model.

It shares only data about providers and models with the client. Start reading at `routes.py`.
"""
