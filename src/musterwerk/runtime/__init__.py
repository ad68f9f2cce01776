"""What knows Temporal but no pattern: connections, the embedded server, processes, exits."""
