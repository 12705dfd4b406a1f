"""Alerts: what is told (pure) and the sender of a Slack-style incoming webhook."""
