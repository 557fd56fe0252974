{{- define "slipway.labels" -}}
{{ include "slipway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: slipway
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What selects every pod of this release. */}}
{{- define "slipway.selector" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "slipway.image" -}}
{{- $image := .Values.image -}}
{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "slipway.seconds" -}}
{{- $drain := divf (.Values.settings.DRAIN_MS | default 10000) 1000 | ceil | int64 -}}
{{- add (int64 .Values.preStopSeconds) $drain 5 -}}
{{- end }}

{{- define "slipway.redisAddress" -}}
{{- if .Values.trial.redis.enabled }}{{ .Release.Name }}-redis:6379{{ else }}{{ .Values.redis.address }}{{ end -}}
{{- end }}

{{- define "slipway.kafkaBrokers" -}}
{{- if .Values.trial.kafka.enabled }}{{ .Release.Name }}-kafka:9092{{ else }}{{ .Values.kafka.brokers }}{{ end -}}
{{- end }}

{{/* The user at Redis of a role (or of the operator), or nothing. */}}
{{- define "slipway.redisUser" -}}
{{- $redis := .root.Values.redis -}}
{{- if .root.Values.trial.redis.enabled -}}
{{- else if $redis.acl }}slipway-{{ .role }}
{{- else }}{{ $redis.user }}
{{- end -}}
{{- end }}

{{/* The secrets of a role that are there, as JSON: [{"file": NAME, "secret": SECRET, "key": KEY}, ...] */}}
{{- define "slipway.secrets" -}}
{{- $values := .root.Values -}}
{{- $found := list -}}
{{- range $name := .secrets -}}
{{- if eq $name "redis_password" -}}
{{- if and $values.redis.passwordSecret (not $values.trial.redis.enabled) -}}
{{- $key := ternary (printf "slipway-%s" $.role) $name $values.redis.acl -}}
{{- $found = append $found (dict "file" $name "secret" $values.redis.passwordSecret "key" $key) -}}
{{- end -}}
{{- else if eq $name "kafka_password" -}}
{{- if and $values.kafka.passwordSecret $values.kafka.brokers (not $values.trial.kafka.enabled) -}}
{{- $found = append $found (dict "file" $name "secret" $values.kafka.passwordSecret "key" $name) -}}
{{- end -}}
{{- else if has $name $values.secrets.files -}}
{{- $found = append $found (dict "file" $name "secret" $values.secrets.secret "key" $name) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* Settings that every process has: addresses, the files that it got, and `settings`. The directories are the defaults. */}}
{{- define "slipway.env" -}}
- name: SLIPWAY_REDIS
  value: {{ include "slipway.redisAddress" .root | quote }}
- name: SLIPWAY_DURABILITY
  value: {{ ternary "disk" .root.Values.redis.durability .root.Values.trial.redis.enabled }}
{{- if and (eq .root.Values.redis.durability "replicated") (not .root.Values.trial.redis.enabled) }}
- name: SLIPWAY_WAIT
  value: {{ .root.Values.redis.wait | int64 | quote }}
{{- end }}
{{- with include "slipway.redisUser" . }}
- name: SLIPWAY_REDIS_USER
  value: {{ . | quote }}
{{- end }}
{{- range include "slipway.secrets" . | fromJsonArray }}
- name: {{ include "slipway.secretVariable" .file }}
  value: /etc/slipway/secrets/{{ .file }}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
{{- if ne (toString $value) "" }}
- name: SLIPWAY_{{ $name }}
  value: {{ ternary ($value | int64 | toString) $value (kindIs "float64" $value) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Nobody speaks to the operator, so that it needs no directory of sockets. Files that are replaced as a whole when their Secret changes: no subPath, and the pods need no restart. */}}
{{- define "slipway.volumes" -}}
{{- if ne .role "operator" }}
- name: run
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
{{- end }}
- name: keys
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .root.Values.keys.secret }}
          items:
            {{- range .keys }}
            - key: {{ . }}.key
              path: {{ . }}.key
            {{- end }}
            {{- range $role := keys (include "slipway.roles" .root | fromYaml) | sortAlpha }}
            - key: {{ $role }}.pub
              path: {{ $role }}.pub
            - key: curve-{{ $role }}.pub
              path: curve-{{ $role }}.pub
            {{- end }}
{{- with include "slipway.secrets" . | fromJsonArray }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
          items:
            - key: {{ .key }}
              path: {{ .file }}
      {{- end }}
{{- end }}
{{- end }}

{{- define "slipway.mounts" -}}
{{- if ne .role "operator" }}
- name: run
  mountPath: /run/slipway
{{- end }}
- name: keys
  mountPath: /etc/slipway/keys
  readOnly: true
{{- if include "slipway.secrets" . | fromJsonArray }}
- name: secrets
  mountPath: /etc/slipway/secrets
  readOnly: true
{{- end }}
{{- end }}

{{/* Pod Security Standard "restricted", and more: of the pod (its uid), and of each container. */}}
{{- define "slipway.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "slipway.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
