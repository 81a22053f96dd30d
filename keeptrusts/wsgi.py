"""The WSGI application that granian's worker processes import."""

import os

from django.core.wsgi import get_wsgi_application

from keeptrusts.processes.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
die_with_parent()
application = get_wsgi_application()
