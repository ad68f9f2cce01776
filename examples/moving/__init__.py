"""A worker with a saga written by hand moves to `Saga`, with executions in flight."""
