"""`where: controller` for the module `register`."""

from __future__ import absolute_import, division, print_function

from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.registering import (
    EXCLUSIVE,
    REGISTER,
    TOGETHER,
    activation,
    result,
    words,
)
from ansible_collections.ecs_anywhere.toolkit.plugins.plugin_utils.controller import ControllerAction

__metaclass__ = type


class ActionModule(ControllerAction):
    """Runs the command here; the activation goes by a pipe, in no argument and in no file."""

    def run(self, tmp=None, task_vars=None):
        """The module's result."""
        super(ActionModule, self).run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(
            argument_spec=REGISTER, required_together=TOGETHER, mutually_exclusive=EXCLUSIVE
        )
        if options["where"] == "host":
            name = "ecs_anywhere.toolkit.register"
            return self._execute_module(module_name=name, module_args=self._task.args, task_vars=task_vars)
        secret = activation(options)
        command = words(options, self._task.check_mode, "@secret" if secret else "")
        return result(*self.run_here(options["executable"] + command + self.place(task_vars or {}), secret))
