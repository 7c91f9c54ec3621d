"""Serving a team over HTTP: who may come in, and as whom."""
