#!/usr/bin/python
"""The proxy and CA profile. With `where: controller` the action plugin of this name does the work."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: proxy
short_description: One proxy and CA profile for docker, the SSM agent and the ECS agent
description:
  - Writes one profile (proxy, exclusions, CA certificates) to every component that needs it, docker, the SSM agent, the
    ECS agent and, where asked, the package manager. What is there is merged, never replaced. The exclusions that the
    agents need are added.
  - With I(where=controller) nothing is installed on the server, C(anywhere) runs on the controller and reaches the
    server by SSH with the connection's own variables (C(ansible_host), C(ansible_user), C(ansible_port),
    C(ansible_ssh_private_key_file)). With I(where=host) the package is on the server and runs there.
  - Needs root on the server, as the user of the connection or by C(become).
options:
  state:
    description: C(present) writes the profile, C(absent) reverts what was written and changes nothing else.
    type: str
    choices: [present, absent]
    default: present
  url:
    description: The proxy, C(http://HOST:PORT), without credentials.
    type: str
  username:
    description: The user of the proxy, as it is, not percent-encoded.
    type: str
  password:
    description: The password of the proxy, as it is, not percent-encoded. It is in no argument, log or result.
    type: str
  no_proxy:
    description: What must not go to the proxy, names, addresses and networks.
    type: list
    elements: str
    default: []
  ca:
    description: A PEM file with the company's CA certificates, on the machine where C(anywhere) runs.
    type: path
  packages:
    description: Whether the package manager gets the profile too.
    type: bool
    default: false
  restart:
    description: Restart docker, then the SSM agent, then ecs, where they run and the profile has changed.
    type: bool
    default: false
  verify:
    description:
      - After the change, judge whether every component has the profile and works with it. A host that does not pass
        fails the task. Not in check mode.
    type: bool
    default: false
extends_documentation_fragment: [ecs_anywhere.toolkit.where]
author: The ecs-anywhere-toolkit maintainers
"""

EXAMPLES = r"""
- name: Everything that goes out takes the proxy
  ecs_anywhere.toolkit.proxy:
    url: http://proxy.example:3128
    username: edge
    password: "{{ vault_proxy_password }}"
    no_proxy: [10.0.0.0/8, .corp.example]
    ca: files/company-ca.pem
    restart: true
  become: true

- name: Take it back
  ecs_anywhere.toolkit.proxy:
    state: absent
    restart: true
  become: true
"""

RETURN = r"""
steps:
  description: What was done or undone; in check mode what would be.
  type: list
  elements: str
  returned: when there is a report
report:
  description: The whole report, in the form of schemas/changes-1.json. What holds credentials is not in it.
  type: dict
  returned: when there is a report
verdict:
  description: ready, ready-with-warnings, not-ready or unknown.
  type: str
  returned: with I(verify)
causes:
  description: What has to be fixed, with its remedy.
  type: list
  elements: dict
  returned: with I(verify)
findings:
  description: Each judgement.
  type: list
  elements: dict
  returned: with I(verify)
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.changing import (
    NEEDED_TOGETHER,
    PROXY,
    commands,
    credentials,
    judged,
    refused,
    result,
)


def main():
    """Run the package that is installed here; the credentials go in by standard input."""
    module = AnsibleModule(argument_spec=PROXY, required_together=NEEDED_TOGETHER, supports_check_mode=True)
    options = module.params
    wrong = refused(options)
    if wrong:
        module.no_log_values.update(filter(None, [(options["url"] or "").rpartition("@")[0]]))
        module.fail_json(msg=wrong)
    secret = credentials(options)
    change, proof = commands("proxy", options, module.check_mode, "-" if secret else "")
    found = result(*module.run_command(options["executable"] + change, data=secret, binary_data=True))
    if proof and not found.get("failed"):
        found = judged(found, *module.run_command(options["executable"] + proof, data=secret, binary_data=True))
    module.fail_json(**found) if found.get("failed") else module.exit_json(**found)


if __name__ == "__main__":
    main()
