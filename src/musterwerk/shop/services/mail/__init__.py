"""Mail to customers: each kind of message at most once per order."""
