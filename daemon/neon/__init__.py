"""Neon's API v2: the only place that knows its JSON, its codes and its habits."""

from daemon.neon.access import NeonAccess, Timing
from daemon.neon.client import NeonClient
from daemon.neon.orders import BranchChange, CreateBranch, Created, Login
from daemon.neon.parse import ApiColumn, ApiConstraint, ApiTable, AuthInfo

__all__ = [
    "ApiColumn",
    "ApiConstraint",
    "ApiTable",
    "AuthInfo",
    "BranchChange",
    "CreateBranch",
    "Created",
    "Login",
    "NeonAccess",
    "NeonClient",
    "Timing",
]
