"""The warehouse: what is there, what is promised to an order, what has left."""
