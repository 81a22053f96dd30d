"""Git's protocol as bytes, without a socket: pkt-lines, refs and packs."""
