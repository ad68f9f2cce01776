"""A transfer between two banks, each with a database and a worker of its own."""
