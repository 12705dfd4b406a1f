"""Alerts: what is told (pure) and the sender of a Slack-style incoming webhook."""

from daemon.alerts.payload import branch_disproved, cycle_messages, notice, run_ended, run_published, run_refused
from daemon.alerts.webhook import DeliveryError, Webhook

__all__ = [
    "DeliveryError",
    "Webhook",
    "branch_disproved",
    "cycle_messages",
    "notice",
    "run_ended",
    "run_published",
    "run_refused",
]
