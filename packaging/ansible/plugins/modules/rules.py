#!/usr/bin/python
"""The network rules of task credentials. With `where: controller` the action plugin of this name does the work."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: rules
short_description: Network rules for ECS task credentials on an external instance
description:
  - Brings the host's network rules for task credentials to the right state and keeps them so (a systemd unit restores
    them at boot and guards them), or takes back exactly what was done. Rules of others are never touched.
  - With I(where=controller) nothing is installed on the server, C(anywhere) runs on the controller and reaches the
    server by SSH with the connection's own variables (C(ansible_host), C(ansible_user), C(ansible_port),
    C(ansible_ssh_private_key_file)). With I(where=host) the package is on the server and runs there.
  - Needs root on the server, as the user of the connection or by C(become).
options:
  state:
    description: C(present) applies the rules, C(absent) reverts what was applied and changes nothing else.
    type: str
    choices: [present, absent]
    default: present
  persist:
    description: Whether the rules are kept, by a systemd unit and a sysctl file, or set in the running state alone.
    type: bool
    default: true
  verify:
    description:
      - After the change, judge the wanted state and prove it by real requests from the host and from a namespace in
        docker's bridge. A host that does not pass fails the task. Not in check mode.
    type: bool
    default: false
extends_documentation_fragment: [ecs_anywhere.toolkit.where]
author: The ecs-anywhere-toolkit maintainers
"""

EXAMPLES = r"""
- name: Tasks reach their credentials, and the proof of it
  ecs_anywhere.toolkit.rules:
    verify: true
  become: true

- name: What would be done (or run the play with --check --diff)
  ecs_anywhere.toolkit.rules:
  check_mode: true
  diff: true
  register: planned

- name: Take it back
  ecs_anywhere.toolkit.rules:
    state: absent
  become: true
"""

RETURN = r"""
steps:
  description: What was done or undone; in check mode what would be.
  type: list
  elements: str
  returned: when there is a report
report:
  description: The whole report, in the form of schemas/changes-1.json.
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
  description: Each judgement, and each request of the proof.
  type: list
  elements: dict
  returned: with I(verify)
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.changing import RULES, commands, judged, result


def main():
    """Run the package that is installed here."""
    module = AnsibleModule(argument_spec=RULES, supports_check_mode=True)
    executable = module.params["executable"]
    change, proof = commands("rules", module.params, module.check_mode, "")
    found = result(*module.run_command(executable + change))
    if proof and not found.get("failed"):
        found = judged(found, *module.run_command(executable + proof))
    module.fail_json(**found) if found.get("failed") else module.exit_json(**found)


if __name__ == "__main__":
    main()
