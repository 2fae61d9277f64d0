"""`where: controller`: run `anywhere` here and let it reach the server by SSH, with the connection's own variables."""

from __future__ import absolute_import, division, print_function

import os
import subprocess

from ansible.plugins.action import ActionBase
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.command import SPEC, arguments, result

__metaclass__ = type


class ActionModule(ActionBase):
    """Decides where the command runs."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        """The module's result."""
        super(ActionModule, self).run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=SPEC)
        if options["where"] == "host":
            return self._execute_module(
                module_name="ecs_anywhere.toolkit.check", module_args=self._task.args, task_vars=task_vars
            )
        command = options["executable"] + arguments(options) + self._place(task_vars or {})
        password = self._become_password()
        if password:
            command.append("--ask-become-pass")
        try:
            done = subprocess.run(
                command, input=(password + "\n").encode() if password else b"", capture_output=True, check=False
            )
        except OSError as error:
            return dict(failed=True, changed=False, msg="%s: %s" % (command[0], error.strerror))
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        return result(done.returncode, out, err, options["fail_on"])

    def _place(self, variables):
        """The words that name the server, from the connection's own options."""
        if self._connection.transport in ("local", "ansible.builtin.local"):
            return ["--host", "local"]
        host = self._option("host") or variables.get("inventory_hostname", "")
        user, port = self._option("remote_user"), self._option("port")
        place = "[%s]" % host if ":" in str(host) else str(host)
        words = ["--host", ("%s@" % user if user else "") + place + (":%s" % port if port else "")]
        key = self._option("private_key_file")
        if key:
            words += ["--ssh-key", os.path.expanduser(str(key))]
        if not self._play_context.become:
            words += ["--no-sudo"] if user and user != "root" else []
        return words

    def _option(self, name):
        try:
            return self._connection.get_option(name)
        except KeyError:
            return None

    def _become_password(self):
        """For sudo on the server: it goes by standard input, never in an argument."""
        if not self._play_context.become:
            return ""
        return str(self._play_context.become_pass or "")
