#!/usr/bin/python
"""Registration with ECS Anywhere. With `where: controller` the action plugin of this name does the work."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: register
short_description: Take a server to a healthy ECS Anywhere container instance
description:
  - Installs Docker and both agents where they are missing, registers the server with Systems Manager, joins the cluster,
    and waits until the instance is proven healthy. A server that is already so is not touched, and no activation is spent.
  - A server that belongs to another region, account or cluster fails the task and is not touched.
  - With I(where=controller) nothing is installed on the server, C(anywhere) runs on the controller and reaches the
    server by SSH with the connection's own variables. With I(where=host) the package is on the server and runs there.
options:
  region:
    description: AWS region of the cluster and of the activation.
    type: str
    required: true
  cluster:
    description: Cluster to join.
    type: str
    default: default
  account:
    description: Account that the server must belong to, 12 digits.
    type: str
  activation_id:
    description: ID of the SSM activation. Not needed on a server that is registered already.
    type: str
  activation_code:
    description: Code of the SSM activation. It is in no argument and in no file.
    type: str
  artifacts:
    description: Folder of C(anywhere artifacts fetch) where C(anywhere) runs.
    type: path
  artifacts_url:
    description: The same folder on a web server.
    type: str
  keyring:
    description: OpenPGP public keys of the site's own, where C(anywhere) runs.
    type: path
  docker:
    description: Where Docker comes from if it is absent.
    type: str
    choices: [auto, distro, docker, none]
    default: auto
  attributes:
    description: Instance attributes, set at the first registration.
    type: dict
    default: {}
  tags:
    description: Instance tags, set at the first registration.
    type: dict
    default: {}
  demote:
    description: Checks or topics that warn where they would stop the registration.
    type: list
    elements: str
    default: []
  start:
    description: Whether the agents are started.
    type: bool
    default: true
  wait:
    description: Seconds until the instance has to be healthy.
    type: int
    default: 180
extends_documentation_fragment: [ecs_anywhere.toolkit.where]
author: The ecs-anywhere-toolkit maintainers
"""

EXAMPLES = r"""
- name: A container instance of the cluster prod
  ecs_anywhere.toolkit.register:
    region: eu-central-1
    cluster: prod
    activation_id: "{{ activation.id }}"
    activation_code: "{{ activation.code }}"
  become: true

- name: What would be done (or run the play with --check --diff)
  ecs_anywhere.toolkit.register:
    region: eu-central-1
    cluster: prod
  check_mode: true
  diff: true
"""

RETURN = r"""
state:
  description: already, done, planned, different or failed.
  type: str
  returned: when there is a result
instance:
  description: The managed instance, mi-...
  type: str
  returned: when there is a result
arn:
  description: The container instance.
  type: str
  returned: when there is a result
steps:
  description: What was done; in check mode what would be.
  type: list
  elements: str
  returned: when there is a result
differences:
  description: What the server is and what it should be, with the commands that get there.
  type: list
  elements: dict
  returned: when there is a result
causes:
  description: Why it is not ready.
  type: list
  elements: dict
  returned: when there is a result
code:
  description: The cause's code, for C(anywhere explain).
  type: str
  returned: when there is a result
fix:
  description: What to do.
  type: str
  returned: when there is a result
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.registering import (
    EXCLUSIVE,
    REGISTER,
    TOGETHER,
    activation,
    result,
    words,
)


def main():
    """Run the package that is installed here."""
    module = AnsibleModule(
        argument_spec=REGISTER, required_together=TOGETHER, mutually_exclusive=EXCLUSIVE, supports_check_mode=True
    )
    secret = activation(module.params)
    command = module.params["executable"] + words(module.params, module.check_mode, "-" if secret else "")
    found = result(*module.run_command(command, data=secret, binary_data=True))
    module.fail_json(**found) if found.get("failed") else module.exit_json(**found)


if __name__ == "__main__":
    main()
