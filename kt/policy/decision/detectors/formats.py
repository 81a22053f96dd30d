"""The formats of credentials that have a fixed mark: their patterns, marks and sources, as a table.

A pattern is written from what its source says of prefix, alphabet and length. Where the source is
a public scanner, what was taken is that fact, not its expression.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A format of a credential.

    Every match of `pattern` holds a match of `keyword`; a text without one is not looked at.
    A group, where there is one, is the secret itself. `entropy` is the least that a value has, in
    bits a character: a long run of one letter has none. `source` says where the format is from.
    """

    name: str
    pattern: str
    keyword: str
    source: str
    entropy: float = 2.0

    @property
    def group(self) -> int:
        """The number of the group that is the secret; 0 for the whole match."""
        return self.pattern.count("(") - self.pattern.count("(?")


_HEX = "[0-9a-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_BITBUCKET = "support.atlassian.com/bitbucket-cloud/docs/api-tokens"
_GITHUB = "docs.github.com/authentication: token formats"
_GITLAB = "docs.gitlab.com/security/tokens: prefixes"
_SLACK = "docs.slack.dev/authentication/tokens"
_STRIPE = "docs.stripe.com/keys"
_GRAFANA = "grafana.com/docs: service accounts, access policies"
_SENTRY = "develop.sentry.dev: auth tokens"
_PLANETSCALE = "planetscale.com/docs: service tokens"
_RELIC = "docs.newrelic.com/docs/apis: key prefixes"
_SCANNER = "public scanner's rule: "

FORMATS = (
    # Clouds.
    Format(
        "aws_access_key",
        r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z2-7]{16}",
        r"AKIA|ASIA|ABIA|ACCA|A3T",
        "docs.aws.amazon.com/IAM: unique ids",
    ),
    Format(
        "aws_bedrock_key",
        r"ABSK[A-Za-z0-9+/]{109,}={0,2}",
        "ABSK",
        "docs.aws.amazon.com/bedrock: API keys",
        3.0,
    ),
    Format(
        "aws_bedrock_short_key",
        # Base64 of the service's own name.
        r"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/]*={0,2}",
        "bedrock-api-key-",
        "docs.aws.amazon.com/bedrock: API keys",
    ),
    Format(
        "google_api_key",
        r"AIza[0-9A-Za-z_\-]{35}",
        "AIza",
        "cloud.google.com/docs/authentication/api-keys",
    ),
    Format(
        "google_oauth_secret",
        r"GOCSPX-[A-Za-z0-9_\-]{28}",
        "GOCSPX-",
        "developers.google.com/identity: client secrets",
    ),
    Format(
        "google_oauth_token",
        r"ya29\.[0-9A-Za-z_\-]{20,}",
        r"ya29\.",
        "developers.google.com/identity: access tokens",
    ),
    Format(
        "azure_client_secret",
        r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}",
        "[0-9]Q~",
        "learn.microsoft.com/purview: Microsoft Entra client secret",
        3.5,
    ),
    Format("alibaba_access_key", r"LTAI[A-Za-z0-9]{20}", "LTAI", "alibabacloud.com/help/ram"),
    Format(
        "digitalocean_token",
        r"do[opr]_v1_[a-f0-9]{64}",
        "do[opr]_v1_",
        "docs.digitalocean.com/reference/api",
    ),
    Format(
        "yandex_iam_token",
        r"t1\.[A-Za-z0-9_\-]{1,}[.=]{1,2}[A-Za-z0-9_\-.]{20,}={0,2}",
        r"t1\.",
        "yandex.cloud/docs/iam: IAM tokens",
        3.5,
    ),
    Format(
        "yandex_api_key", r"AQVN[A-Za-z0-9_\-]{35,38}", "AQVN", "yandex.cloud/docs/iam: API keys"
    ),
    Format(
        "yandex_static_key",
        r"YC[A-Za-z0-9_\-]{38}",
        r"YC[A-Za-z0-9_\-]{4}",
        "yandex.cloud/docs/iam: static keys",
        3.5,
    ),
    Format(
        "scalingo_token",
        r"tk-us-[A-Za-z0-9_\-]{48}",
        "tk-us-",
        "developers.scalingo.com: API tokens",
    ),
    Format(
        "fly_token",
        r"(?:fo1_[A-Za-z0-9_\-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,}={0,3})",
        "fo1_|fm[12][ar]?_",
        "fly.io/docs/security/tokens",
        3.5,
    ),
    Format(
        "heroku_key",
        r"HRKU-AA[A-Za-z0-9_\-]{58}",
        "HRKU-AA",
        "devcenter.heroku.com: platform API, token format",
    ),
    Format("render_key", r"rnd_[A-Za-z0-9]{28,40}", "rnd_", "render.com/docs/api", 3.0),
    Format("netlify_token", r"nf[pco]_[A-Za-z0-9]{36}", "nf[pco]_", "docs.netlify.com/api", 3.0),
    Format(
        "vercel_token",
        r"vc[aikpr]_[A-Za-z0-9]{24,60}",
        "vc[aikpr]_",
        "vercel.com/docs: token formats",
        3.0,
    ),
    Format(
        "openshift_token",
        r"sha256~[A-Za-z0-9_\-]{43}",
        "sha256~",
        "docs.openshift.com: OAuth access tokens",
        3.5,
    ),
    Format(
        "cloudflare_origin_key",
        r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}",
        r"v1\.0-",
        "developers.cloudflare.com/fundamentals: origin CA keys",
    ),
    Format(
        "dynatrace_token",
        r"dt0[a-z][0-9]{2}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}",
        "dt0[a-z]",
        "docs.dynatrace.com: access tokens",
    ),
    # Forges and packages.
    Format("github_token", r"gh[pousr]_[A-Za-z0-9]{36,}", "gh[pousr]_", _GITHUB),
    Format(
        "github_fine_grained_token",
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        "github_pat_",
        _GITHUB,
    ),
    Format(
        "gitlab_token",
        r"gl(?:pat|ptt|dt|rt|rtr|cbt|ft|ffct|soat|agent|imt|wt)-[A-Za-z0-9_\-]{20,}(?:\.[a-z0-9]{2}\.[a-z0-9]{9}|\.[a-z0-9]{9})?",
        "gl(?:pat|ptt|dt|rt|rtr|cbt|ft|ffct|soat|agent|imt|wt)-",
        _GITLAB,
        2.5,
    ),
    Format("gitlab_app_secret", r"gloas-[A-Za-z0-9_\-]{64}", "gloas-", _GITLAB, 2.5),
    Format("gitlab_runner_token", r"GR1348941[A-Za-z0-9_\-]{20,50}", "GR1348941", _GITLAB, 2.5),
    Format("atlassian_token", r"ATATT3[A-Za-z0-9_\-=]{50,}", "ATATT3", _BITBUCKET),
    Format("atlassian_admin_key", r"ATCTT3[A-Za-z0-9_\-=]{50,}", "ATCTT3", _BITBUCKET),
    Format("bitbucket_token", r"ATBB[A-Za-z0-9]{32}", "ATBB", _BITBUCKET),
    Format("npm_token", r"npm_[A-Za-z0-9]{36}", "npm_", "docs.npmjs.com: access tokens"),
    Format(
        "npm_legacy_token",
        # Only npm's own file of settings has it under this name.
        r"//[\w.\-]{1,100}/(?:[\w.\-]{1,50}/){0,4}:_auth(?:Token)?[ ]?=[ ]?"
        rf"({_UUID}|[A-Za-z0-9+/]{{16,}}={{0,2}})",
        "/:_auth",
        "docs.npmjs.com/cli/configuring-npm/npmrc",
    ),
    Format(
        "pypi_token", r"pypi-AgE[A-Za-z0-9_\-]{50,}", "pypi-AgE", "pypi.org/help: API tokens", 3.5
    ),
    Format("rubygems_key", r"rubygems_[a-f0-9]{48}", "rubygems_", "guides.rubygems.org: API keys"),
    Format(
        "clojars_token", r"CLOJARS_[a-z0-9]{60}", "CLOJARS_", "github.com/clojars: deploy tokens"
    ),
    Format(
        "crates_token", r"cio[A-Za-z0-9]{32}", "cio[A-Za-z0-9]{16}", "crates.io: token format", 3.5
    ),
    Format(
        "dockerhub_token",
        r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{27,40}",
        "dckr_",
        "docs.docker.com: access tokens",
    ),
    Format("artifactory_key", r"AKCp[A-Za-z0-9]{69}", "AKCp", "jfrog.com/help: API keys", 3.0),
    Format(
        "artifactory_reference_token",
        r"cmVmdGtu[A-Za-z0-9]{56}",
        "cmVmdGtu",
        "jfrog.com/help: reference tokens",
        3.0,
    ),
    Format(
        "artifactory_encrypted_password",
        r"(?:X-JFrog-Art-Api:[ ]?|_password=)(AP[0-9A-F][A-Za-z0-9]{8,})",
        "X-JFrog-Art-Api:|_password=",
        _SCANNER + "detect-secrets, Artifactory",
        2.75,
    ),
    Format(
        "sourcegraph_token",
        r"sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}",
        "sgp_",
        "sourcegraph.com/docs: access tokens",
        3.0,
    ),
    Format(
        "jetbrains_token",
        r"perm[:\-][A-Za-z0-9+/=]{8,}\.[A-Za-z0-9+/=]{4,}\.[A-Za-z0-9]{20,}",
        "perm[:\\-]",
        "jetbrains.com/help/youtrack: permanent tokens",
        3.0,
    ),
    # Chat and mail.
    Format("slack_token", r"xox[abeoprs]-[A-Za-z0-9\-]{20,}", "xox[abeoprs]-", _SLACK, 2.5),
    Format("slack_config_token", r"xoxe\.xox[bp]-[0-9]-[A-Z0-9]{100,}", r"xoxe\.", _SLACK, 3.0),
    Format("slack_app_token", r"xapp-[0-9]-[A-Za-z0-9\-]{20,}", "xapp-", _SLACK, 2.5),
    Format(
        "slack_webhook",
        r"hooks\.slack\.com/(?:services/T[A-Z0-9]+/B[A-Z0-9]+|(?:workflows|triggers)/[A-Z0-9]+(?:/[A-Z0-9]+){0,2})/([A-Za-z0-9]{20,})",
        r"hooks\.slack\.com/",
        "docs.slack.dev/messaging: incoming webhooks",
        2.5,
    ),
    Format(
        "discord_token",
        r"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27}(?:[A-Za-z0-9_\-]{11})?",
        r"\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{20}",
        "discord.com/developers: reference, authentication",
        3.5,
    ),
    Format(
        "discord_webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_\-]{60,80})",
        "/api/webhooks/",
        "discord.com/developers: webhooks",
    ),
    Format(
        "teams_webhook",
        rf"\.webhook\.office\.com/webhookb2/({_UUID}@{_UUID}/IncomingWebhook/{_HEX}{{32}}/{_UUID})",
        r"\.webhook\.office\.com/",
        "learn.microsoft.com/microsoftteams: incoming webhooks",
    ),
    Format(
        "telegram_bot_token",
        r"\d{8,10}:AA[A-Za-z0-9_\-]{33}",
        ":AA",
        "core.telegram.org/bots/api",
        3.0,
    ),
    Format(
        "twilio_key", r"SK[0-9a-fA-F]{32}", "SK[0-9a-fA-F]{4}", "twilio.com/docs/iam/api-keys", 2.5
    ),
    Format(
        "sendgrid_key",
        r"SG\.[A-Za-z0-9_\-]{20,24}\.[A-Za-z0-9_\-]{39,50}",
        r"SG\.",
        "twilio.com/docs/sendgrid: API keys",
    ),
    Format(
        "sendinblue_key",
        r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}",
        "xkeysib-",
        "developers.brevo.com",
    ),
    Format(
        "mailgun_key",
        r"(?:key|pubkey)-[a-f0-9]{32}",
        "key-[a-f0-9]{8}",
        "documentation.mailgun.com",
        2.5,
    ),
    Format(
        "mailchimp_key", r"[0-9a-f]{32}-us[0-9]{1,2}", "-us[0-9]", "mailchimp.com/developer", 2.5
    ),
    Format(
        "mandrill_key",
        r"md-[A-Za-z0-9_\-]{22}",
        r"md-[A-Za-z0-9_\-]{22}",
        "mailchimp.com/developer/transactional",
        3.5,
    ),
    Format(
        "postmark_token",
        r"(?i:x-postmark-(?:server|account)-token:[ ]?)(" + _UUID + ")",
        "(?i:x-postmark-)",
        "postmarkapp.com/developer/api",
    ),
    # Payment.
    Format(
        "stripe_key",
        r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}",
        "[sr]k_(?:live|test|prod)_",
        _STRIPE,
        2.5,
    ),
    Format("stripe_webhook_secret", r"whsec_[A-Za-z0-9+/=]{32,}", "whsec_", _STRIPE, 2.5),
    Format(
        "square_token",
        r"(?:EAAA[A-Za-z0-9_\-]{60}|sq0[a-z]{3}-[A-Za-z0-9_\-]{22,43})",
        "EAAA|sq0",
        "developer.squareup.com: access tokens",
        3.0,
    ),
    Format(
        "paypal_token",
        r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
        r"access_token\$",
        "developer.paypal.com/braintree",
    ),
    Format(
        "shopify_token",
        r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
        "shp(?:at|ca|pa|ss)_",
        "shopify.dev/docs: access tokens",
    ),
    Format(
        "flutterwave_key",
        r"FLW(?:PUB|SEC)K_(?:TEST|LIVE)-[0-9a-z]{12,40}(?:-X)?|FLWSECK-[0-9a-z]{32}-X",
        "FLW(?:PUB|SEC)K",
        "developer.flutterwave.com",
    ),
    Format("razorpay_key", r"rzp_(?:live|test)_[A-Za-z0-9]{14}", "rzp_", "razorpay.com/docs", 2.5),
    Format(
        "plaid_token",
        rf"access-(?:sandbox|development|production)-{_UUID}",
        "access-(?:sandbox|development|production)-",
        "plaid.com/docs/api/tokens",
        2.0,
    ),
    Format(
        "duffel_token", r"duffel_(?:test|live)_[A-Za-z0-9_\-=]{43}", "duffel_", "duffel.com/docs"
    ),
    Format("easypost_key", r"EZ[AT]K[A-Za-z0-9]{54}", "EZ[AT]K", "docs.easypost.com", 3.5),
    Format("shippo_token", r"shippo_(?:live|test)_[a-fA-F0-9]{40}", "shippo_", "docs.goshippo.com"),
    Format(
        "lob_key",
        r"(?:live|test)_(?:pub_)?[a-f0-9]{31,35}",
        "(?:live|test)_(?:pub_)?[a-f0-9]{8}",
        "docs.lob.com",
        2.5,
    ),
    Format(
        "gocardless_token",
        r"(?:^|[^A-Za-z0-9_])(live_[A-Za-z0-9\-_=]{40})",
        r"live_[A-Za-z0-9\-_=]{12}",
        "developer.gocardless.com",
        3.5,
    ),
    # Models.
    Format(
        "anthropic_key",
        r"sk-ant-[a-z0-9]{2,10}-[A-Za-z0-9_\-]{20,}",
        "sk-ant-",
        "docs.anthropic.com/api",
    ),
    Format(
        "openai_key",
        r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{20,}",
        "sk-(?:proj|svcacct|admin)-",
        "platform.openai.com/docs/api-reference",
    ),
    Format(
        "openai_legacy_key",
        r"sk-[A-Za-z0-9]{48}",
        "sk-[A-Za-z0-9]{12}",
        "platform.openai.com/docs/api-reference",
    ),
    Format("openrouter_key", r"sk-or-v1-[0-9a-f]{64}", "sk-or-v1-", "openrouter.ai/docs: API keys"),
    Format(
        "huggingface_token",
        r"hf_[A-Za-z0-9]{34}",
        "hf_",
        "huggingface.co/docs/hub/security-tokens",
        3.0,
    ),
    Format(
        "huggingface_org_token",
        r"api_org_[A-Za-z0-9]{34}",
        "api_org_",
        "huggingface.co/docs/hub/security-tokens",
        3.0,
    ),
    Format(
        "replicate_token", r"r8_[A-Za-z0-9]{37}", "r8_", "replicate.com/docs/reference/http", 3.0
    ),
    Format("groq_key", r"gsk_[A-Za-z0-9]{48,56}", "gsk_", "console.groq.com/docs", 3.0),
    Format("perplexity_key", r"pplx-[A-Za-z0-9]{48}", "pplx-", "docs.perplexity.ai", 3.0),
    Format("xai_key", r"xai-[A-Za-z0-9]{70,90}", "xai-", "docs.x.ai", 3.0),
    Format("nvidia_key", r"nvapi-[A-Za-z0-9_\-]{60,70}", "nvapi-", "docs.nvidia.com/nim", 3.0),
    Format(
        "langsmith_key",
        r"ls(?:v2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|__[0-9a-f]{32})",
        "ls(?:v2_|__)",
        "docs.smith.langchain.com",
    ),
    Format("pinecone_key", r"pcsk_[A-Za-z0-9_]{60,80}", "pcsk_", "docs.pinecone.io", 3.0),
    # Observing and building.
    Format("grafana_token", r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", "glsa_", _GRAFANA, 2.5),
    Format("grafana_cloud_token", r"glc_[A-Za-z0-9+/]{32,400}={0,3}", "glc_", _GRAFANA, 3.0),
    Format("grafana_key", r"eyJrIjoi[A-Za-z0-9+/]{60,400}={0,3}", "eyJrIjoi", _GRAFANA, 3.0),
    Format("sentry_user_token", r"sntryu_[a-f0-9]{64}", "sntryu_", _SENTRY),
    Format("sentry_org_token", r"sntrys_eyJ[A-Za-z0-9+/=_\-]{60,}", "sntrys_eyJ", _SENTRY, 3.0),
    Format("sentry_integration_token", r"sntryi_[a-f0-9]{64}", "sntryi_", _SENTRY),
    Format(
        "newrelic_key", r"NR(?:AK|AA|BR|SP)-[A-Za-z0-9]{27,40}", "NR(?:AK|AA|BR|SP)-", _RELIC, 2.5
    ),
    Format("newrelic_browser_key", r"NRJS-[a-f0-9]{19}", "NRJS-", _RELIC, 2.0),
    Format("newrelic_insert_key", r"NRI[IQ]-[A-Za-z0-9\-]{32}", "NRI[IQ]-", _RELIC, 2.5),
    Format(
        "honeycomb_key",
        r"hc(?:aik|xik|bik|xlk|amk)_[A-Za-z0-9]{50,64}",
        "hc[abx](?:ik|lk|mk)_",
        "docs.honeycomb.io: API keys",
        3.0,
    ),
    Format("posthog_key", r"ph[xs]_[A-Za-z0-9]{40,50}", "ph[xs]_", "posthog.com/docs/api", 3.0),
    Format("sonar_token", r"sq[apu]_[a-f0-9]{40}", "sq[apu]_", "docs.sonarsource.com: tokens"),
    Format(
        "snyk_token",
        r"snyk_(?:uat|sat)\.[0-9a-f]{8}\.[A-Za-z0-9_\-.]{60,}",
        "snyk_",
        "docs.snyk.io",
        3.0,
    ),
    Format(
        "buildkite_token",
        r"bk(?:ua|aa|pat|at)_[a-z0-9]{40}",
        "bk(?:ua|aa|pat|at)_",
        "buildkite.com/docs/apis",
        2.5,
    ),
    Format(
        "circleci_token",
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}",
        "CCIP",
        "circleci.com/docs",
        2.5,
    ),
    Format(
        "octopus_key", r"API-[A-Z0-9]{26}", "API-[A-Z0-9]{4}", "octopus.com/docs: API keys", 3.0
    ),
    Format(
        "harness_token",
        r"[ps]at\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
        r"[ps]at\.[A-Za-z0-9_\-]{16}",
        "developer.harness.io",
    ),
    Format(
        "terraform_token",
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}",
        r"\.atlasv1\.",
        "developer.hashicorp.com/terraform",
        3.0,
    ),
    Format(
        "vault_token",
        r"hv[sbr]\.[A-Za-z0-9_\-]{24,}",
        r"hv[sbr]\.",
        "developer.hashicorp.com/vault",
        3.0,
    ),
    Format(
        "doppler_token",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.",
        "docs.doppler.com/reference/auth-token-formats",
        3.0,
    ),
    Format("pulumi_token", r"pul-[a-f0-9]{40}", "pul-", "pulumi.com/docs: access tokens"),
    Format(
        "databricks_token",
        r"dapi[a-f0-9]{32}(?:-[0-9])?",
        "dapi",
        "docs.databricks.com/dev-tools/auth/pat",
        2.5,
    ),
    Format(
        "planetscale_token",
        r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9=_.\-]{32,64}",
        "pscale_",
        _PLANETSCALE,
        3.0,
    ),
    Format("prefect_key", r"pn[ub]_[A-Za-z0-9]{36}", "pn[ub]_", "docs.prefect.io: API keys", 3.0),
    Format(
        "infracost_key",
        r"(?:^|[^.A-Za-z0-9])(ico-[A-Za-z0-9]{32})",
        "ico-[A-Za-z0-9]{8}",
        "infracost.io/docs",
        3.5,
    ),
    Format(
        "launchdarkly_key",
        rf"(?:api|sdk|mob)-{_UUID}",
        rf"(?:api|sdk|mob)-{_HEX}{{8}}-",
        "launchdarkly.com/docs",
    ),
    Format(
        "settlemint_token",
        r"sm_(?:aat|pat|sat)_[A-Za-z0-9]{16}",
        "sm_(?:aat|pat|sat)_",
        "console.settlemint.com",
        2.5,
    ),
    Format(
        "defined_token",
        r"dnkey-[A-Za-z0-9=_\-]{26}-[A-Za-z0-9=_\-]{52}",
        "dnkey-",
        "docs.defined.net",
        3.0,
    ),
    Format(
        "tailscale_key",
        r"tskey-[a-z]{3,10}-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{16,40}",
        "tskey-",
        "tailscale.com/kb: key prefixes",
        3.0,
    ),
    Format(
        "supabase_key",
        r"sb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_\-]{22,40})",
        "sbp_|sb_secret_",
        "supabase.com/docs: API keys",
        2.5,
    ),
    Format(
        "clickhouse_key", r"4b1d[A-Za-z0-9]{38}", "4b1d", "clickhouse.com/docs/cloud: API keys", 3.8
    ),
    Format("confluent_secret", r"cflt[A-Za-z0-9+/]{60}", "cflt", "docs.confluent.io/cloud", 3.5),
    Format(
        "mapbox_token",
        r"[ps]k\.[a-zA-Z0-9_\-]{60,160}\.[a-zA-Z0-9_\-]{20,24}",
        r"[ps]k\.[a-zA-Z0-9]{8}",
        "docs.mapbox.com/help: access tokens",
        3.5,
    ),
    Format(
        "algolia_secured_key",
        r"(?i:x-algolia-api-key:[ ]?)([a-f0-9]{32})",
        "(?i:x-algolia-)",
        "algolia.com/doc",
    ),
    # What people work with.
    Format("notion_token", r"ntn_[0-9]{11}[A-Za-z0-9]{35}", "ntn_", "developers.notion.com", 3.0),
    Format(
        "notion_legacy_token",
        r"secret_[A-Za-z0-9]{43}",
        "secret_[A-Za-z0-9]{8}",
        "developers.notion.com",
        3.8,
    ),
    Format(
        "linear_key",
        r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}",
        "lin_(?:api|oauth)_",
        "linear.app/developers",
        3.0,
    ),
    Format(
        "airtable_token",
        r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
        r"pat[A-Za-z0-9]{14}\.",
        "airtable.com/developers",
        3.0,
    ),
    Format(
        "figma_token",
        r"fig[dou][rh]?_[A-Za-z0-9_\-]{40}",
        "fig[dou][rh]?_",
        "developers.figma.com",
        3.0,
    ),
    Format("frameio_token", r"fio-u-[A-Za-z0-9=_\-]{64}", "fio-u-", "developer.frame.io", 3.0),
    Format(
        "typeform_token", r"tfp_[A-Za-z0-9\-_.=]{40,64}", "tfp_", "typeform.com/developers", 3.0
    ),
    Format("readme_key", r"rdme_[a-z0-9]{70}", "rdme_", "docs.readme.com", 3.0),
    Format("postman_key", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", "PMAK-", "learning.postman.com"),
    Format(
        "dropbox_token",
        r"sl\.(?:u\.)?[A-Za-z0-9_\-=]{130,}",
        r"sl\.(?:u\.)?[A-Za-z0-9_\-]{16}",
        "developers.dropbox.com/oauth-guide",
        3.5,
    ),
    Format("adobe_secret", r"p8e-[A-Za-z0-9_\-]{32}", "p8e-", "developer.adobe.com", 3.0),
    Format(
        "facebook_app_token",
        r"\d{15,16}(?:\||%7[cC])[A-Za-z0-9_\-]{27,40}",
        r"\d{15}(?:\||%7[cC])",
        "developers.facebook.com/docs: access tokens",
        3.0,
    ),
    Format(
        "facebook_page_token",
        r"EAA[CM][A-Za-z0-9]{100,}",
        "EAA[CM]",
        "developers.facebook.com/docs: access tokens",
        3.5,
    ),
    Format(
        "twitter_bearer_token",
        r"A{22}[A-Za-z0-9%]{60,120}",
        "AAAAAAAAAA",
        "developer.x.com: bearer tokens",
    ),
    Format("intra42_secret", r"s-s4t2(?:ud|af)-[a-f0-9]{64}", "s-s4t2", "api.intra.42.fr"),
    Format(
        "onepassword_secret_key",
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        "A3-",
        "support.1password.com/secret-key-security",
        3.5,
    ),
    Format(
        "onepassword_service_token",
        r"ops_eyJ[A-Za-z0-9+/_\-]{100,}={0,3}",
        "ops_eyJ",
        "developer.1password.com",
        3.5,
    ),
    Format(
        "age_secret_key",
        r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
        "AGE-SECRET-KEY-1",
        "age-encryption.org/v1",
    ),
    Format(
        "okta_token",
        r"(?i:ssws[ ])(00[A-Za-z0-9_\-]{38,42})",
        "(?i:ssws )",
        "developer.okta.com",
        3.0,
    ),
    Format(
        "authress_key",
        r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_\-][A-Za-z0-9\-]{10,32}\.[A-Za-z0-9+/_=\-]{30,120}",
        r"\.acc[_\-]",
        "authress.io/knowledge-base",
        3.5,
    ),
    Format(
        "meraki_key",
        r"(?i:x-cisco-meraki-api-key:[ ]?)([0-9a-f]{40})",
        "(?i:x-cisco-meraki-)",
        "developer.cisco.com/meraki",
    ),
)
