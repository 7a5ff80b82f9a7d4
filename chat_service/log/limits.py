"""How much may wait for the log. Pure."""

# Submitted orders that may wait for their commit, unless a person chose; above it, submit
# refuses. Source: the service's guarantees (10,000 an instance).
MAX_BACKLOG = 10_000
