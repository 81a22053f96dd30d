"""The API's document, OpenAPI 3.1, made of what views declare; and its page for people."""
