{{/* What the templates of this chart share. The services have their own (charts/specialist), for they are installed alone, too. */}}

{{- define "mesh.selector" -}}
app.kubernetes.io/name: {{ . }}
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Call with (dict "root" $ "name" "gateway"). */}}
{{- define "mesh.labels" -}}
{{ include "mesh.selector" .name }}
app.kubernetes.io/part-of: voice-mesh
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* Call with (dict "root" $ "target" "gateway" "own" .Values.gateway.image). */}}
{{- define "mesh.image" -}}
{{- $all := .root.Values.global.image }}
{{- $registry := ternary "" (printf "%s/" (trimSuffix "/" $all.registry)) (empty $all.registry) }}
{{- $repository := .own.repository | default (printf "%svoice-mesh/%s" $registry .target) }}
{{- if .own.digest }}{{ $repository }}@{{ .own.digest }}{{ else }}{{ $repository }}:{{ .own.tag | default $all.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "mesh.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mesh.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every pod spec begins with. Call with (dict "root" $ "user" 10001 "own" .Values.gateway "token" ""). */}}
{{- define "mesh.podSpec" -}}
{{- $g := .root.Values.global }}
automountServiceAccountToken: {{ not (empty .token) }}
# Kubernetes would tell of every Service in variables, and some are named as settings are (LIVEKIT_PORT).
enableServiceLinks: false
{{- with $g.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $g.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext: {{- include "mesh.podSecurity" .user | nindent 2 }}
{{- with .own.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mesh.scraped" -}}
{{- if .Values.global.monitoring.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end }}
{{- with .Values.global.secretsChecksum }}
checksum/secrets: {{ . | quote }}
{{- end }}
{{- end }}

{{/* LiveKit's address, key and secret. */}}
{{- define "mesh.livekitVariables" -}}
{{- $l := .Values.global.livekit }}
- name: LIVEKIT_URL
  {{- if $l.url }}
  value: {{ $l.url | quote }}
  {{- else }}
  valueFrom: {secretKeyRef: {name: {{ $l.secret }}, key: LIVEKIT_URL, optional: true}}
  {{- end }}
- name: LIVEKIT_API_KEY
  valueFrom: {secretKeyRef: {name: {{ $l.secret }}, key: LIVEKIT_API_KEY}}
- name: LIVEKIT_API_SECRET
  valueFrom: {secretKeyRef: {name: {{ $l.secret }}, key: LIVEKIT_API_SECRET}}
{{- end }}

{{- define "mesh.redisVariables" -}}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.global.redis.secret }}, key: REDIS_URL}}
{{- end }}

{{- define "mesh.tracingVariables" -}}
{{- with .Values.global.tracing.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "mesh.plainVariables" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}

{{- define "mesh.redisCaMount" -}}
{{- if .Values.global.redis.caSecret }}
- {name: redis-ca, mountPath: /redis-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "mesh.redisCaVolume" -}}
{{- with .Values.global.redis.caSecret }}
- name: redis-ca
  secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}

{{/* Yes when any service has an autoscaler. */}}
{{- define "mesh.isScaled" -}}
{{- range list .Values.triage .Values.billing .Values.technical .Values.sales .Values.escalation }}
{{- if and .enabled (ne .autoscaling.kind "none") }}yes{{ end }}
{{- end }}
{{- end }}

{{- define "mesh.hasScaleDown" -}}
{{- if kindIs "bool" .Values.scaleDown.enabled }}{{ if .Values.scaleDown.enabled }}yes{{ end }}{{ else }}{{ include "mesh.isScaled" . }}{{ end }}
{{- end }}
