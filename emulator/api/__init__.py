"""The HTTP side: Neon's API v2, route by route."""
