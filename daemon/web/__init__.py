"""The local page for machines: is it alive, is it ready, and the metrics."""

from daemon.web.health import Health, ProjectHealth
from daemon.web.server import build_app, serving

__all__ = ["Health", "ProjectHealth", "build_app", "serving"]
