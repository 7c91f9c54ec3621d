"""Clients and frameworks from PyPI and npm, each in an environment of its own, as they call the server.

`python -m tests.end_to_end.clients` prints what each of them can do. `drivers/` has a program for each.
"""
