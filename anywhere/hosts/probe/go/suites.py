"""What each program offers below TLS 1.3, in OpenSSL's names. TLS 1.3 has its own three suites everywhere."""

from __future__ import annotations

from collections.abc import Mapping

_ECDHE_GCM = (
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
)  # fmt: skip
_ECDHE_CBC = ("ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA")
_RSA_KEY_EXCHANGE = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA")

SUITES: Mapping[str, str] = {
    # Go's defaults from 1.22 on (crypto/tls defaults.go, cipher_suites.go).
    "go": ":".join((*_ECDHE_GCM, *_ECDHE_CBC)),
    # Builds with a go line of before 1.22 (GODEBUG tlsrsakex=1), as the SSM agent's source of 2024-10 has.
    "go-before-1.22": ":".join((*_ECDHE_GCM, *_ECDHE_CBC, *_RSA_KEY_EXCHANGE)),
    # dockerd to registries (docker/go-connections tlsconfig, from 0.6 on).
    "docker": ":".join(_ECDHE_GCM),
    # The ECS agent in Docker mode (ecs-agent/utils/cipher/cipher.go).
    "ecs-agent": ":".join(
        (
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-SHA256",
            "ECDHE-RSA-AES128-SHA",
        )
        + ("ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA256", "AES128-SHA")
        + ("AES256-SHA",)
    ),
    "any": "ALL",
    # What no server takes: a short greeting, answered by a short alert.
    "none": "aNULL",
}
