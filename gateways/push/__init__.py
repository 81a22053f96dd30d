"""The process that holds the event streams of gateways."""
