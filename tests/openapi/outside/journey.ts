// The README's journey by openapi-fetch, with the types that openapi-typescript made of the document.
//
//     node journey.ts URL TOKEN REPOSITORY
//
// Prints id, content hash, state of drift and the code of an error, as JSON.

import createClient from "openapi-fetch";
import type { paths } from "./api.d.ts";

declare const process: { argv: string[] };
const [, , baseUrl, token, repository] = process.argv as [string, string, string, string, string];
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

function given<Value>(answer: { data?: Value; error?: unknown }): Value {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const link = given(
  await api.POST("/v1/git-repos", {
    body: { url: repository, path: "policies/", auto_create_configuration: true, poll_interval_seconds: 300 },
  }),
).data;
const path = { link_id: link.id };
const synced = given(
  await api.POST("/v1/git-repos/{link_id}/sync", { params: { path, query: { wait: 30 } }, body: {} }),
).data;
if (!("status" in synced) || synced.status !== "synced") throw new Error(JSON.stringify(synced));
const file = given(await api.GET("/v1/git-repos/{link_id}/files", { params: { path } })).data[0];
if (file?.outcome !== "synced") throw new Error(JSON.stringify(file));
const one = given(await api.GET("/v1/configurations/{configuration_id}", {
  params: { path: { configuration_id: file.configuration } },
})).data;
const gateway = given(
  await api.POST("/v1/gateways", { body: { id: `of-${one.id}`, labels: {}, configuration: one.id } }),
).data;
const row = given(await api.GET("/v1/drift", { params: { query: { gateway: gateway.id } } })).data[0];
const missing = await api.GET("/v1/configurations/{configuration_id}", {
  params: { path: { configuration_id: "nowhere" } },
});
console.log(JSON.stringify([one.id, one.content_hash, row?.state, missing.error?.error.code]));
