#!/usr/bin/python
"""Judges a server for Amazon ECS Anywhere. With `where: controller` the action plugin of this name does the work."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: check
short_description: Judge a server for Amazon ECS Anywhere
description:
  - Resolves and probes every endpoint that the server needs, from the server's own point of view, looks at the server
    itself, and names what has to be fixed. Nothing is changed on the server, in check mode or without.
  - With I(where=controller) nothing is installed on the server, C(anywhere) runs on the controller and reaches the
    server by SSH with the connection's own variables (C(ansible_host), C(ansible_user), C(ansible_port),
    C(ansible_ssh_private_key_file)). With I(where=host) the package is on the server and runs there.
options:
  region:
    description: AWS regions; where none is given, the region in which the server is registered.
    type: list
    elements: str
    default: []
  features:
    description: More endpoints than the core set, such as C(ecr), C(logs), C(secrets), C(exec).
    type: list
    elements: str
    default: []
  phase:
    description: Only what is needed to C(install), C(register) or C(run).
    type: list
    elements: str
    default: []
  only:
    description: Only these checks or topics.
    type: list
    elements: str
    default: []
  skip:
    description: Leave these checks or topics out.
    type: list
    elements: str
    default: []
  demote:
    description: Let these checks or topics warn where they would fail.
    type: list
    elements: str
    default: []
  accept_issuer:
    description: Inspecting CAs that are wanted, by name.
    type: list
    elements: str
    default: []
  budget:
    description: Seconds for the probes.
    type: float
  idle:
    description: Hold a quiet connection for so many seconds.
    type: float
  shards:
    description: How many numbered agent and telemetry endpoints to try.
    type: int
  dualstack:
    description: Use the dual-stack names.
    type: bool
    default: false
  fips:
    description: Use the FIPS names.
    type: bool
    default: false
  fail_on:
    description: Which verdicts fail the task. A server that could not be judged fails with C(not-ready) too.
    type: str
    choices: [not-ready, warnings, never]
    default: not-ready
extends_documentation_fragment: [ecs_anywhere.toolkit.where]
author: The ecs-anywhere-toolkit maintainers
"""

EXAMPLES = r"""
- name: Every server is ready for ECS Anywhere
  ecs_anywhere.toolkit.check:
    region: [eu-central-1]
    features: [ecr, logs]

- name: Gather the reports, judge them together later
  ecs_anywhere.toolkit.check:
    region: [eu-central-1]
    fail_on: never
  register: judged

- name: The same with the package on the server
  ecs_anywhere.toolkit.check:
    region: [eu-central-1]
    where: host
  become: true
"""

RETURN = r"""
verdict:
  description: ready, ready-with-warnings, not-ready or unknown.
  type: str
  returned: when there is a report
causes:
  description: What has to be fixed, with its remedy.
  type: list
  elements: dict
  returned: when there is a report
report:
  description: The whole report, in the form of schemas/report-1.json.
  type: dict
  returned: when there is a report
ansible_facts:
  description: Verdict, facts and causes below C(anywhere).
  type: dict
  returned: when there is a report
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.command import SPEC, arguments, result


def main():
    """Run the package that is installed here."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    command = module.params["executable"] + arguments(module.params)
    rc, out, err = module.run_command(command)
    found = result(rc, out, err, module.params["fail_on"])
    module.fail_json(**found) if found.get("failed") else module.exit_json(**found)


if __name__ == "__main__":
    main()
