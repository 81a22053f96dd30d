"""The README's journey by a client that openapi-python-client made of the document.

    python journey.py URL TOKEN REPOSITORY

Prints id, content hash, state of drift and the code of an error, as JSON.
"""

import json
import sys
from uuid import UUID

from keeptrusts_client import AuthenticatedClient
from keeptrusts_client.api.configurations import get_configuration, list_configurations
from keeptrusts_client.api.drift import list_drift
from keeptrusts_client.api.gateways import register_gateway
from keeptrusts_client.api.git_repos import create_git_repo, list_files, sync_git_repo
from keeptrusts_client.models import Error, GatewayInput, GitRepoInput, SyncGitRepoBody

url, token, repository = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token, timeout=60)

link = create_git_repo.sync(
    client=client,
    body=GitRepoInput(url=repository, path="policies/", auto_create_configuration=True),
)
link_id = UUID(link.data.id)
synced = sync_git_repo.sync(link_id, client=client, body=SyncGitRepoBody(), wait=30)
assert synced.data.status.value == "synced", synced
[file] = list_files.sync(link_id, client=client).data
assert (file.outcome.value, file.findings) == ("synced", [])
one = next(
    row for row in list_configurations.sync(client=client).data if row.id == file.configuration
)
assert get_configuration.sync(one.id, client=client).data == one
gateway = register_gateway.sync(
    client=client, body=GatewayInput(id=f"of-{one.id}", configuration=one.id)
)
assert gateway.data.token.startswith("ktg_")
[row] = list_drift.sync(client=client, gateway=gateway.data.id).data
missing = get_configuration.sync("nowhere", client=client)
assert isinstance(missing, Error)
print(json.dumps([one.id, one.content_hash, row.state.value, missing.error.code]))
