"""The order desk: the reference application, and the first user of the library."""
