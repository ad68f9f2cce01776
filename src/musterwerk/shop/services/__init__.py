"""The shop's services: each its own process with its own database, reached over HTTP only."""
