"""The site's HTTP proxy, and what components know of it."""

from tests.region.faults.proxy.site import COMPONENTS, EXCLUDED, behind_proxy, settings

__all__ = ["COMPONENTS", "EXCLUDED", "behind_proxy", "settings"]
