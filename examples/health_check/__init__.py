"""A scheduled check that tells changes only: down once, up again once, whatever fails between."""
