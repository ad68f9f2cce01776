"""What the explorer finds, and how fast the simulator under it is."""
