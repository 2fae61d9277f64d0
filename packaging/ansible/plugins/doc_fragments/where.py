"""The options that every module of this collection has."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    """`where`, `executable` and `arguments`."""

    DOCUMENTATION = r"""
options:
  where:
    description: Where C(anywhere) runs.
    type: str
    choices: [controller, host]
    default: controller
  executable:
    description: The command, as a list of words.
    type: list
    elements: str
    default: [anywhere]
  arguments:
    description: Further words for the command line, such as C(--ssh-accept-new).
    type: list
    elements: str
    default: []
"""
