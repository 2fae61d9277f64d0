"""The texts of the causes in TLS, the WebSocket upgrade and the clock."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_GO_ROOTS = "Go crypto/x509 root_linux.go and root_unix.go"

TLS_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "tls.intercepted-untrusted",
        "fail",
        "TLS is intercepted by a CA that the host does not trust",
        "The issuer is none of the public CAs that AWS uses; the agents refuse every connection.",
        "The presented chain's issuer, against the host's own store as Go programs read it.",
        "Ask for a bypass for the agents' names, else add the CA to the host's store and the agents' copies. Never "
        "switch verification off.",
        "amazon-ecs-agent issues 1196, 1845",
    ),
    CauseText(
        "tls.intercepted-trusted",
        "warn",
        "TLS is intercepted by a CA that the host trusts",
        "It works now. Long-lived channels and components with a store of their own are at risk.",
        "The chain verifies and its issuer is none of the public CAs that AWS uses.",
        "Ask for a bypass, or accept it by name: --accept-issuer NAME.",
        "amazon-ecs-agent issue 1196",
    ),
    CauseText(
        "tls.component-untrusted",
        "fail",
        "The host trusts the issuer, a component does not",
        "The component has a store of its own: the ECS agent of the generic rpm sees only the bundle in its image, and "
        "SSL_CERT_FILE replaces the store of the others.",
        "Each endpoint is verified against the store of the component that uses it.",
        "Put the CA under /etc/ecs and name it by SSL_CERT_FILE in ecs.config (ECS agent), or in a drop-in (others).",
        "amazon-ecs-agent ecs-init/config/config_generic_rpm.go",
    ),
    CauseText(
        "tls.chain-incomplete",
        "fail",
        "An intermediate certificate is missing",
        "What ends TLS sends its certificate without the intermediate that links it to a root.",
        "A public issuer, a single certificate in the chain, and no way from it to a root of the store.",
        "Have the sender send its whole chain.",
        "RFC 8446 section 4.4.2",
    ),
    CauseText(
        "tls.trust-store-missing",
        "fail",
        "There is no CA store where the agents look",
        "No bundle and no folder of Go's list holds a certificate, or AWS's roots are not among them.",
        "The certificates in Go's list of files and folders are counted.",
        "Install ca-certificates and build the store anew.",
        _GO_ROOTS,
    ),
    CauseText(
        "tls.agent-suites",
        "fail",
        "No cipher suite in common with the agent",
        "Below TLS 1.3 the ECS agent offers RSA-authenticated suites only; a device with an ECDSA certificate and "
        "TLS 1.2 finds no partner.",
        "The handshake fails with the agent's offer and passes with Go's.",
        "An RSA certificate, or TLS 1.3, on the device.",
        "amazon-ecs-agent ecs-agent/utils/cipher/cipher.go",
    ),
    CauseText(
        "tls.agent-build",
        "warn",
        "It depends on how the agent was built",
        "What this path presents is taken by agents that are built with older defaults of Go (as the public build scripts "
        "of the ECS agent and the SSM agent do) and refused by those built with today's: a certificate with a negative "
        "serial number, RSA key exchange below TLS 1.3.",
        "The agents' suites and Go's rules for certificates, of both kinds of build.",
        "A certificate with a positive serial number; ECDHE suites or TLS 1.3 on whatever ends TLS on the way.",
        "Go GODEBUG x509negativeserial, tlsrsakex; aws/amazon-ecs-agent scripts/build; aws/amazon-ssm-agent go.mod",
    ),
    CauseText(
        "tls.wrong-name",
        "fail",
        "The certificate is for another name",
        "Another service answers at the address.",
        "The chain verifies; the name does not.",
        "Correct the DNS record, the PrivateLink endpoint, or the load balancer.",
        "RFC 9525",
    ),
    CauseText(
        "tls.expired",
        "fail",
        "The certificate is outside its dates",
        "It has expired or is not valid yet, and this host's clock is right.",
        "The clock is compared with the Date headers before certificates are checked.",
        "A new certificate for whatever ends TLS.",
        "RFC 5280 section 4.1.2.5",
    ),
    CauseText(
        "tls.old-version",
        "fail",
        "No TLS 1.2 or later",
        "The far end speaks TLS 1.1 or older, which the agents refuse.",
        "A second greeting that offers everything is answered with an old version.",
        "Have it speak TLS 1.2 or later.",
        "amazon-ecs-agent: TLS minimum 1.2",
    ),
    CauseText(
        "tls.not-tls",
        "fail",
        "Port 443 does not speak TLS",
        "A captive portal, a plain proxy or a wrong port forward answers in AWS's place.",
        "The first bytes are no TLS record.",
        "Find and move what answers there.",
        "RFC 8446 section 5.1",
    ),
    CauseText(
        "websocket.refused",
        "fail",
        "The WebSocket upgrade is refused",
        "TLS and HTTP pass; the upgrade on ecs-a, ecs-t or ssmmessages gets a 5xx or a device's page. The host would "
        "register and stay disconnected.",
        "The agents' own upgrade request, unsigned; 101, 400, 401 and 403 are a pass.",
        "Have the proxy or device pass WebSocket upgrades.",
        "amazon-ecs-agent issue 23",
    ),
    CauseText(
        "websocket.idle-cut",
        "warn",
        "A quiet connection is cut",
        "A middlebox forgets connections that stay quiet; the channels flap.",
        "With --idle, a connection is held without a byte and then used.",
        "Raise the idle timeout on the way to at least two minutes.",
        "amazon-ecs-agent issue 553; ecs-agent/wsclient: heartbeats within 60 to 120 s",
    ),
    CauseText(
        "clock.skewed",
        "fail or warn",
        "The clock is wrong",
        "AWS refuses signatures more than 300 s off, and certificates look expired or not valid yet. A fail above "
        "240 s, a warning above 30 s.",
        "The median difference between this host's clock and the endpoints' Date headers.",
        "Set the clock from the site's time source and keep it so; then restart the agents.",
        "amazon-ssm-agent issue 616; amazon-ecs-agent issue 1513",
    ),
)
