"""The API's edges: errors, fields, base views, rendering, health and the metrics page."""
