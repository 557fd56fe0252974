{{/*
What common/conf.h, common/keys.c and ARCHITECTURE.md say of each role: the secrets that it reads, its keys beside its own
pair, and whom it calls. tests/deploy/policy.py compares the secrets with conf.h.
*/}}
{{- define "slipway.roles" -}}
ingress:
  secrets: [slack_secret, webhook_secret, github_webhook_secret, kafka_password, redis_password, sentry_dsn]
  keys: [state]
  kafka: true
parser:
  secrets: [redis_password, sentry_dsn]
auth:
  secrets: [slack_client_secret, heroku_secret, github_secret, redis_password, sentry_dsn]
  keys: [token, state]
  upstreams: true
executor:
  secrets: [webhook_secret, github_webhook_secret, redis_password, sentry_dsn]
  upstreams: true
responder:
  secrets: [slack_token, redis_password, sentry_dsn]
  upstreams: true
notifier:
  secrets: [kafka_password, redis_password, sentry_dsn]
  kafka: true
refresher:
  secrets: [slack_client_secret, heroku_secret, github_secret, redis_password, sentry_dsn]
  upstreams: true
{{- end }}

{{/* The variable that names a secret's file, where it is not the secret's own name. */}}
{{- define "slipway.secretVariable" -}}
{{- $name := . -}}
{{- if hasPrefix "webhook_" $name }}{{ $name = printf "heroku_%s" $name }}{{ end -}}
SLIPWAY_{{ upper $name }}_FILE
{{- end }}
