"""Who opens TLS on the way: public CAs that AWS uses on one side, inspection products by their certificates on the other."""

from __future__ import annotations

import re

from anywhere.evidence import Tls

# Amazon Trust Services, Starfield (its roots), DigiCert and Baltimore (before those, and in China).
PUBLIC = ("amazon", "starfield technologies", "digicert", "baltimore")

# Vendor -> what its generated issuers carry (organisation, common name). Sources: the vendors' manuals, and tailscale's
# net/tlsdial/blockblame, which has the idea.
PRODUCTS: tuple[tuple[str, str], ...] = (
    ("Zscaler", r"zscaler"),
    ("Netskope", r"netskope|goskope"),
    ("Palo Alto Networks", r"palo ?alto|globalprotect|prisma access"),
    ("Fortinet FortiGate", r"fortinet|fortigate|fg[tw]?[0-9a-z]{10,}"),
    ("Cisco Umbrella or Secure Web Appliance", r"cisco|umbrella|ironport"),
    ("Check Point", r"check ?point"),
    ("Symantec or Broadcom ProxySG (Blue Coat)", r"blue ?coat|symantec|broadcom|proxysg"),
    ("Sophos", r"sophos"),
    ("Forcepoint", r"forcepoint|websense"),
    ("McAfee or Skyhigh Web Gateway", r"mcafee|skyhigh|trellix"),
    ("Barracuda", r"barracuda"),
    ("WatchGuard", r"watchguard|fireware"),
    ("SonicWall", r"sonicwall"),
    ("Cloudflare Gateway", r"cloudflare|gateway ca"),
    ("iboss", r"iboss"),
    ("Menlo Security", r"menlo"),
    ("Trend Micro", r"trend ?micro"),
    ("Kaspersky", r"kaspersky"),
    ("ESET", r"\beset\b"),
    ("Bitdefender", r"bitdefender"),
    ("Smoothwall", r"smoothwall"),
    ("Squid (SslBump)", r"squid"),
    ("pfSense or OPNsense", r"pfsense|opnsense"),
    ("Untangle", r"untangle"),
    ("mitmproxy", r"mitmproxy"),
    ("Huawei", r"huawei"),
    ("Ubiquiti", r"ubiquiti|unifi"),
    ("Aruba", r"aruba"),
    ("F5", r"\bf5\b"),
    ("A10", r"\ba10 networks"),
)


def is_public(issuer: str) -> bool:
    """Whether an issuer's organisation is one of the public CAs that AWS uses."""
    return issuer.lower().startswith(PUBLIC)


def product(issuer: str, tls: Tls) -> str:
    """The inspection product that a certificate's issuers give away, empty when none is known."""
    words = " ".join([issuer, tls.get("issuer", ""), *tls.get("chain", ())]).lower()
    return next((name for name, pattern in PRODUCTS if re.search(pattern, words)), "")
