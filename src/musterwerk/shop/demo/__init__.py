"""Real orders through the whole desk, with failures injected, until the books are audited."""
