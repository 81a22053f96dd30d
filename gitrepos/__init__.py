"""Where policies come from: linked repositories, polled and synced."""
