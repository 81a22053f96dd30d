"""The WSGI application, for any server of WSGI; `keeptrusts.serving.web` is ours."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
application = get_wsgi_application()
