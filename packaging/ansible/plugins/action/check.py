"""`where: controller`: run `anywhere` here and let it reach the server by SSH, with the connection's own variables."""

from __future__ import absolute_import, division, print_function

from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.command import SPEC, arguments, result
from ansible_collections.ecs_anywhere.toolkit.plugins.plugin_utils.controller import ControllerAction

__metaclass__ = type


class ActionModule(ControllerAction):
    """Decides where the command runs."""

    def run(self, tmp=None, task_vars=None):
        """The module's result."""
        super(ActionModule, self).run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=SPEC)
        if options["where"] == "host":
            return self._execute_module(
                module_name="ecs_anywhere.toolkit.check", module_args=self._task.args, task_vars=task_vars
            )
        command = options["executable"] + arguments(options) + self.place(task_vars or {})
        rc, out, err = self.run_here(command)
        return result(rc, out, err, options["fail_on"])
