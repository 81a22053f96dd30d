"""The API of notification endpoints and of what was sent to them."""
