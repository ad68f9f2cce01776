"""Small sagas to run and to read: `python -m examples.order`, `trip`, `bank`, `moving`."""
