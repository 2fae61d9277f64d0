"""The texts of the causes in the proxy in use."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_PROXY = "AWS: HTTP proxy configuration for the ECS agent; configuring the SSM agent to use a proxy"

PROXY_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "proxy.unreachable",
        "fail",
        "The proxy is not reached",
        "Its name does not resolve, its port is closed or dropped, or it accepts and never answers.",
        "The CONNECT that each component would send is sent.",
        "Check the proxy's name, address and port, and that this host may use it.",
        _PROXY,
    ),
    CauseText(
        "proxy.auth-required",
        "fail",
        "The proxy asks for a user and password",
        "407: no credentials are set, or they are wrong, or the proxy wants a scheme that the agents do not know "
        "(NTLM, Negotiate).",
        "The answer to CONNECT, with the schemes that it offers.",
        "Set the user and password for every component: `anywhere proxy apply --url URL --credentials-file -` reads one line "
        "user:password from standard input. With NTLM or Negotiate, ask for a rule by the host's address.",
        _PROXY,
    ),
    CauseText(
        "proxy.denies-endpoint",
        "fail",
        "The proxy denies endpoints",
        "The proxy answers CONNECT to these names with a refusal or cannot open them itself.",
        "CONNECT is sent for every endpoint.",
        "Allow CONNECT to port 443 of these names (`anywhere endpoints --format squid`).",
        "RFC 9110 section 9.3.6",
    ),
    CauseText(
        "proxy.denies-client",
        "fail",
        "The agents' own requests are refused, other programs' pass",
        "The proxy, or a device on the path, decides by User-Agent, method or header: what curl shows is not what the agents "
        "meet.",
        "Each endpoint is asked with the agents' own request; what is refused is asked once more as curl asks.",
        "Allow the User-Agents, methods and headers that the report names.",
        "aws/amazon-ecs-agent, aws/amazon-ssm-agent, on the wire",
    ),
    CauseText(
        "proxy.private-endpoint",
        "fail or warn",
        "A private name is sent through the proxy",
        "The name resolves to a private address (PrivateLink) that answers directly, and NO_PROXY does not name it: the proxy "
        "denies it, or carries it over the internet past PrivateLink and its policies. A fail where it does not work.",
        "Names that go through a proxy are resolved on the host too; a private address is tried without the proxy.",
        "Add these names, and only these, to NO_PROXY of every component: "
        "`sudo anywhere proxy apply --url URL --region REGION`.",
        "AWS: interface VPC endpoints for Amazon ECS and Systems Manager (private DNS); golang.org/x/net/http/httpproxy",
    ),
    CauseText(
        "proxy.wrong-scheme",
        "fail",
        "The proxy URL has the wrong scheme",
        "The URL says https:// and the proxy speaks plain HTTP, or the other way round.",
        "What fails as the URL says is tried once the other way.",
        "Correct the scheme; Session Manager needs http://.",
        "amazon-ssm-agent issue 226",
    ),
    CauseText(
        "proxy.not-set-for-component",
        "fail or warn",
        "A component lacks the proxy that the others have",
        "Each program has settings of its own; the one without goes out directly. A fail where that is blocked.",
        "The effective environment of docker, ecs and the SSM agent, from the running process or systemd.",
        "Give the component a drop-in with the proxy and the exclusions; `anywhere proxy apply` does it for all.",
        _PROXY,
    ),
    CauseText(
        "proxy.exclusions-missing",
        "fail",
        "NO_PROXY lacks what must stay on the host",
        "Requests for task credentials (169.254.170.2), metadata (169.254.169.254) or the docker socket would go to "
        "the proxy.",
        "NO_PROXY of ecs and docker is read as Go reads it. The ECS agent adds them itself only when NO_PROXY is unset.",
        "Add 169.254.169.254, 169.254.170.2 and, for ecs, /var/run/docker.sock.",
        "AWS HTTP proxy configuration; awsdocs/amazon-ecs-developer-guide issue 166",
    ),
    CauseText(
        "proxy.setting-ignored",
        "fail",
        "A proxy is written down and not in effect",
        "systemd leaves the line out: a percent sign that is not doubled, several assignments in one pair of quotes, another "
        "section than [Service], a file whose name does not end in .conf, or one that was not read again.",
        "Each unit file and drop-in, line by line, against the environment that systemd and the process have.",
        "Correct the line that the finding names, reload systemd and restart the component.",
        "https://github.com/docker/for-linux/issues/1149; https://github.com/systemd/systemd/issues/9842",
    ),
    CauseText(
        "proxy.components-differ",
        "fail or warn",
        "Components use different proxies",
        "What one program reaches says nothing of the others; with docker's own proxy dead no image is pulled.",
        "The proxy of each component, by address and port; docker's is tried with one endpoint, also without images from ECR.",
        "Give all components the proxy that works: `sudo anywhere proxy apply --url URL --restart`.",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html (proxy configuration)",
    ),
)
