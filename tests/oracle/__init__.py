"""A strict second opinion on our requests: it checks each one against the provider's documents.

It shares nothing with the client. `running_oracle` checks over HTTP, and then the sandbox answers.
"""
