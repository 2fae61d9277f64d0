"""`where: controller` for the module `proxy`."""

from __future__ import absolute_import, division, print_function

from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.changing import PROXY
from ansible_collections.ecs_anywhere.toolkit.plugins.plugin_utils.controller import ChangingAction

__metaclass__ = type


class ActionModule(ChangingAction):
    """Decides where the command runs."""

    VERB = "proxy"
    SPEC = PROXY
