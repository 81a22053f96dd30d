"""Who may act on a remote and when it is due: claims, turns, hosts, places, measures."""
