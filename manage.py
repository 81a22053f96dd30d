#!/usr/bin/env python3
"""Django's command line, for operators: `up`, `migrate`, `shell`."""

import os
import sys

if __name__ == "__main__":
    os.umask(0o077)  # Of all that is started below it, too: nothing here is for other users.
    if sys.argv[1:2] == ["up"]:
        from keeptrusts.parent import up

        sys.exit(up.main(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    execute_from_command_line(sys.argv)
