"""A trip: flight, hotel and car are booked side by side, and all of them or none."""
