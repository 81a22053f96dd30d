"""An example of each format of a credential, made up.

Written in parts, so that no scanner takes this file for a leak: `<a36>` stands for 36 letters and
digits, `<u…>` for capitals and digits, `<h…>` for hexadecimal digits, `<d…>` for digits and
`<b…>` for the alphabet of AWS's identifiers.
"""

from __future__ import annotations

import random
import re
import string

_LOWER = string.ascii_lowercase + string.digits
_ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "l": _LOWER,
    "h": "0123456789abcdef",
    "d": string.digits,
    "b": string.ascii_uppercase + "234567",
}
_PART = re.compile(r"<([aulhdb])(\d+)>")
_UUID = "<h8>-<h4>-<h4>-<h4>-<h12>"

EXAMPLES = {
    "aws_access_key": "AKIA<b16>",
    "aws_bedrock_key": "ABSK<a120>=",
    "aws_bedrock_short_key": "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t<a40>",
    "google_api_key": "AIza<a35>",
    "google_oauth_secret": "GOCSPX-<a28>",
    "google_oauth_token": "ya29.<a60>",
    "azure_client_secret": "<a3>8Q~<a34>",
    "alibaba_access_key": "LTAI<a20>",
    "digitalocean_token": "dop_v1_<h64>",
    "yandex_iam_token": "t1.<a20>.<a80>==",
    "yandex_api_key": "AQVN<a36>",
    "yandex_static_key": "YC<a38>",
    "scalingo_token": "tk-us-<a48>",
    "fly_token": "fo1_<a43>",
    "heroku_key": "HRKU-AA<a58>",
    "render_key": "rnd_<a32>",
    "netlify_token": "nfp_<a36>",
    "vercel_token": "vcp_<a30>",
    "openshift_token": "sha256~<a43>",
    "cloudflare_origin_key": "v1.0-<h24>-<h146>",
    "dynatrace_token": "dt0c01.<u24>.<u64>",
    "github_token": "ghp_<a36>",
    "github_fine_grained_token": "github_pat_<a22>_<a59>",
    "gitlab_token": "glpat-<a20>",
    "gitlab_app_secret": "gloas-<a64>",
    "gitlab_runner_token": "GR1348941<a20>",
    "atlassian_token": "ATATT3<a60>",
    "atlassian_admin_key": "ATCTT3<a60>",
    "bitbucket_token": "ATBB<a32>",
    "npm_token": "npm_<a36>",
    "npm_legacy_token": "//registry.npmjs.org/:_authToken={" + _UUID + "}",
    "pypi_token": "pypi-AgE<a80>",
    "rubygems_key": "rubygems_<h48>",
    "clojars_token": "CLOJARS_<l60>",
    "crates_token": "cio<a32>",
    "dockerhub_token": "dckr_pat_<a27>",
    "artifactory_key": "AKCp<a69>",
    "artifactory_reference_token": "cmVmdGtu<a56>",
    "artifactory_encrypted_password": "X-JFrog-Art-Api: {AP6<a30>}",
    "sourcegraph_token": "sgp_<h16>_<h40>",
    "jetbrains_token": "perm:<a12>.<a8>.<a30>",
    "slack_token": "xoxb-<d12>-<d12>-<a24>",
    "slack_config_token": "xoxe.xoxp-1-<u146>",
    "slack_app_token": "xapp-1-A<u10>-<d13>-<h64>",
    "slack_webhook": "https://hooks.slack.com/services/T<u8>/B<u8>/{<a24>}",
    "discord_token": "M<a25>.<a6>.<a38>",
    "discord_webhook": "https://discord.com/api/webhooks/<d18>/{<a68>}",
    "teams_webhook": (
        f"https://contoso.webhook.office.com/webhookb2/{{{_UUID}@{_UUID}"
        f"/IncomingWebhook/<h32>/{_UUID}}}"
    ),
    "telegram_bot_token": "<d10>:AA<a33>",
    "twilio_key": "SK<h32>",
    "sendgrid_key": "SG.<a22>.<a43>",
    "sendinblue_key": "xkeysib-<h64>-<a16>",
    "mailgun_key": "key-<h32>",
    "mailchimp_key": "<h32>-us12",
    "mandrill_key": "md-<a22>",
    "postmark_token": "X-Postmark-Server-Token: {" + _UUID + "}",
    "stripe_key": "sk_live_<a24>",
    "stripe_webhook_secret": "whsec_<a32>",
    "square_token": "EAAA<a60>",
    "paypal_token": "access_token$production$<l16>$<h32>",
    "shopify_token": "shpat_<h32>",
    "flutterwave_key": "FLWSECK_TEST-<h32>-X",
    "razorpay_key": "rzp_live_<a14>",
    "plaid_token": "access-production-" + _UUID,
    "duffel_token": "duffel_test_<a43>",
    "easypost_key": "EZAK<a54>",
    "shippo_token": "shippo_live_<h40>",
    "lob_key": "live_<h35>",
    "gocardless_token": " {live_<a40>}",
    "anthropic_key": "sk-ant-api03-<a93>AA",
    "openai_key": "sk-proj-<a48>",
    "openai_legacy_key": "sk-<a48>",
    "openrouter_key": "sk-or-v1-<h64>",
    "huggingface_token": "hf_<a34>",
    "huggingface_org_token": "api_org_<a34>",
    "replicate_token": "r8_<a37>",
    "groq_key": "gsk_<a52>",
    "perplexity_key": "pplx-<a48>",
    "xai_key": "xai-<a80>",
    "nvidia_key": "nvapi-<a64>",
    "langsmith_key": "lsv2_pt_<h32>_<h10>",
    "pinecone_key": "pcsk_<a70>",
    "grafana_token": "glsa_<a32>_<h8>",
    "grafana_cloud_token": "glc_<a60>==",
    "grafana_key": "eyJrIjoi<a80>==",
    "sentry_user_token": "sntryu_<h64>",
    "sentry_org_token": "sntrys_eyJ<a100>",
    "sentry_integration_token": "sntryi_<h64>",
    "newrelic_key": "NRAK-<u27>",
    "newrelic_browser_key": "NRJS-<h19>",
    "newrelic_insert_key": "NRII-<a32>",
    "honeycomb_key": "hcaik_<l58>",
    "posthog_key": "phx_<a43>",
    "sonar_token": "sqp_<h40>",
    "snyk_token": "snyk_uat.<h8>.<a70>",
    "buildkite_token": "bkua_<l40>",
    "circleci_token": "CCIPAT_<a22>_<h40>",
    "octopus_key": "API-<u26>",
    "harness_token": "pat.<a22>.<h24>.<a20>",
    "terraform_token": "<a14>.atlasv1.<a67>",
    "vault_token": "hvs.<a90>",
    "doppler_token": "dp.pt.<a43>",
    "pulumi_token": "pul-<h40>",
    "databricks_token": "dapi<h32>",
    "planetscale_token": "pscale_tkn_<a43>",
    "prefect_key": "pnu_<a36>",
    "infracost_key": " {ico-<a32>}",
    "launchdarkly_key": "sdk-" + _UUID,
    "settlemint_token": "sm_pat_<a16>",
    "defined_token": "dnkey-<a26>-<a52>",
    "tailscale_key": "tskey-auth-<a12>-<a32>",
    "supabase_key": "sbp_<h40>",
    "clickhouse_key": "4b1d<a38>",
    "confluent_secret": "cflt<a60>",
    "mapbox_token": "sk.<a70>.<a22>",
    "algolia_secured_key": "X-Algolia-API-Key: {<h32>}",
    "notion_token": "ntn_<d11><a35>",
    "notion_legacy_token": "secret_<a43>",
    "linear_key": "lin_api_<a40>",
    "airtable_token": "pat<a14>.<h64>",
    "figma_token": "figd_<a40>",
    "frameio_token": "fio-u-<a64>",
    "typeform_token": "tfp_<a44>",
    "readme_key": "rdme_<l70>",
    "postman_key": "PMAK-<h24>-<h34>",
    "dropbox_token": "sl.u.<a140>",
    "adobe_secret": "p8e-<a32>",
    "facebook_app_token": "<d15>|<a27>",
    "facebook_page_token": "EAAC<a150>",
    "twitter_bearer_token": "AAAAAAAAAAAAAAAAAAAAAA<a80>",
    "intra42_secret": "s-s4t2ud-<h64>",
    "onepassword_secret_key": "A3-<u6>-<u6>-<u5>-<u5>-<u5>-<u5>",
    "onepassword_service_token": "ops_eyJ<a250>",
    "age_secret_key": "AGE-SECRET-KEY-1<u58>",
    "okta_token": "Authorization: SSWS {00<a40>}",
    "authress_key": "sc_<a16>.<a5>.acc_<l20>.<a60>",
    "meraki_key": "X-Cisco-Meraki-API-Key: {<h40>}",
}
"""Format → a text that holds one; braces around it where it is not the whole text."""


def example(name: str, seed: int = 0) -> tuple[str, str]:
    """A text with a value of the format, and the value."""
    chance = random.Random(f"{name}{seed}")
    text = _PART.sub(
        lambda part: "".join(chance.choices(_ALPHABETS[part[1]], k=int(part[2]))), EXAMPLES[name]
    )
    before, brace, rest = text.partition("{")
    value = rest.partition("}")[0] if brace else text
    return (f"{before}{value}" if brace else text), value


def shown(name: str) -> str:
    """The text with `x` for each sign that is made up, as documentation shows the format."""
    text = _PART.sub(lambda part: "x" * int(part[2]), EXAMPLES[name])
    return text.replace("{", "").replace("}", "")
