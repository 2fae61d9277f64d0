"""`where: controller`: `anywhere` runs here and reaches the server by SSH, with the connection's own variables."""

from __future__ import absolute_import, division, print_function

import os
import subprocess

from ansible.plugins.action import ActionBase
from ansible_collections.ecs_anywhere.toolkit.plugins.module_utils.changing import (
    NEEDED_TOGETHER,
    commands,
    credentials,
    judged,
    refused,
    result,
)

__metaclass__ = type


class ControllerAction(ActionBase):
    """Runs the command here."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run_here(self, command, secret=""):
        """Exit code, output and errors of a command. Its word `@secret` becomes the name of a pipe that holds the
        secret: it is in no argument and in no file."""
        password = self._become_password()
        if password:
            command = command + ["--ask-become-pass"]
        end = None
        try:
            if secret:
                end, start = os.pipe()
                with os.fdopen(start, "wb") as pipe:
                    pipe.write(secret.encode("utf-8"))
                command = ["/dev/fd/%d" % end if word == "@secret" else word for word in command]
            done = subprocess.run(
                command,
                input=(password + "\n").encode() if password else b"",
                capture_output=True,
                check=False,
                pass_fds=() if end is None else (end,),
            )
        except OSError as error:
            return 127, "", "%s: %s" % (command[0], error.strerror)
        finally:
            if end is not None:
                os.close(end)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def place(self, variables):
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
        given = [str(self._option(name) or "").strip() for name in ("ssh_common_args", "ssh_extra_args")]
        if any(given):
            words += ["--ssh-args", " ".join(one for one in given if one)]
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


class ChangingAction(ControllerAction):
    """The same for the modules that change a host: `VERB` of the command, its `SPEC`."""

    VERB = ""
    SPEC = {}

    def run(self, tmp=None, task_vars=None):
        """The module's result."""
        super(ChangingAction, self).run(tmp, task_vars)
        together = NEEDED_TOGETHER if "username" in self.SPEC else None
        _validated, options = self.validate_argument_spec(argument_spec=self.SPEC, required_together=together)
        wrong = refused(options)
        if wrong:
            return dict(failed=True, changed=False, msg=wrong)
        if options["where"] == "host":
            name = "ecs_anywhere.toolkit.%s" % self.VERB
            return self._execute_module(module_name=name, module_args=self._task.args, task_vars=task_vars)
        if options.get("ca"):
            options["ca"] = self._find_needle("files", options["ca"])
        secret = credentials(options)
        check = self._task.check_mode
        change, proof = commands(self.VERB, options, check, "@secret" if secret else "")
        place = self.place(task_vars or {})
        found = result(*self.run_here(options["executable"] + change + place, secret))
        if proof and not found.get("failed"):
            found = judged(found, *self.run_here(options["executable"] + proof + place, secret))
        return found
