"""The WSGI application that granian's workers import."""

import os

from django.core.wsgi import get_wsgi_application

from keeptrusts import database
from keeptrusts.api.admission import Admission
from keeptrusts.processes.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
die_with_parent()
database.bound_statements(database.WEB_SECONDS)
application = Admission(get_wsgi_application())
