"""Probe of this container: ends with 0 where `/readyz` on a port is 200. Ignores proxies."""

import http.client
import sys

line = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
try:
    line.request("GET", "/readyz")
    answer = line.getresponse()
    told = answer.read(2000).decode(errors="replace")
except OSError as exc:
    sys.exit(f"no answer: {exc}")
print(told)
sys.exit(answer.status != 200)
