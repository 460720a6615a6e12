{{/* The worker's variables: plain ones in a ConfigMap, secrets by reference. */}}

{{- define "specialist.plainVariables" -}}
{{- $v := .Values }}
{{- $plain := dict
  "VOICEMESH_MAX_SESSIONS" (int $v.maxSessions)
  "VOICEMESH_IDLE_PROCESSES" (int $v.idleProcesses)
  "VOICEMESH_DRAIN_SECONDS" (int $v.drainSeconds)
  "VOICEMESH_CLIPS_DIR" "/tmp/clips"
  "VOICEMESH_LOG_LEVEL" $v.global.logLevel }}
{{- with $v.global.livekit.url }}{{ $_ := set $plain "LIVEKIT_URL" . }}{{ end }}
{{- with $v.global.tracing.endpoint }}{{ $_ := set $plain "OTEL_EXPORTER_OTLP_ENDPOINT" . }}{{ end }}
{{- with $v.global.openai.baseUrl }}{{ $_ := set $plain "OPENAI_BASE_URL" . }}{{ end }}
{{- if $v.global.speech.url }}
{{- $_ := set $plain "VOICEMESH_SPEECH_URL" $v.global.speech.url }}
{{- else if $v.global.speech.bundled }}
{{- $_ := set $plain "VOICEMESH_SPEECH_URL" "http://speech:8790/v1" }}
{{- end }}
{{- if include "specialist.hasOffice" . }}{{ $_ := set $plain "VOICEMESH_MCP_URL" "http://127.0.0.1:8000/mcp" }}{{ end }}
{{- if $v.global.mtls.enabled }}{{ $_ := set $plain "VOICEMESH_TLS_DIR" "/tls" }}{{ end }}
{{- range $name, $value := merge (deepCopy $v.env) $v.global.env }}{{ $_ := set $plain $name $value }}{{ end }}
{{- range $name, $value := $plain }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- define "specialist.secretVariables" -}}
{{- $g := .Values.global }}
{{- if not $g.livekit.url }}
- name: LIVEKIT_URL
  # Missing, the worker says so itself, and what to give.
  valueFrom: {secretKeyRef: {name: {{ $g.livekit.secret }}, key: LIVEKIT_URL, optional: true}}
{{- end }}
- name: LIVEKIT_API_KEY
  valueFrom: {secretKeyRef: {name: {{ $g.livekit.secret }}, key: LIVEKIT_API_KEY}}
- name: LIVEKIT_API_SECRET
  valueFrom: {secretKeyRef: {name: {{ $g.livekit.secret }}, key: LIVEKIT_API_SECRET}}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $g.redis.secret }}, key: REDIS_URL}}
- name: VOICEMESH_SEAL_KEY
  valueFrom: {secretKeyRef: {name: {{ $g.keys.secret }}, key: VOICEMESH_SEAL_KEY}}
{{- if $g.openai.enabled }}
- name: OPENAI_API_KEY
  valueFrom: {secretKeyRef: {name: {{ $g.openai.secret }}, key: OPENAI_API_KEY, optional: true}}
{{- end }}
{{- end }}
