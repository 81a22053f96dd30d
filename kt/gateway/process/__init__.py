"""Worker processes, their sockets and the HTTP protocol."""
