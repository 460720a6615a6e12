{{/* Rules of network policies: who may speak with whom. */}}

{{/* Call with (dict "root" $ "name" "gateway"). */}}
{{- define "mesh.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels: {{- include "mesh.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "mesh.selector" .name | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{/* Pods of the mesh by component. Call with (list "worker" "gateway"). */}}
{{- define "mesh.components" -}}
- podSelector:
    matchLabels: {app.kubernetes.io/part-of: voice-mesh}
    matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: [{{ join ", " . }}]}
{{- end }}

{{- define "mesh.toNames" -}}
- to: {{- toYaml .Values.global.networkPolicy.dns | nindent 4 }}
  ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end }}

{{- define "mesh.fromPrometheus" -}}
- from: {{- toYaml .Values.global.networkPolicy.prometheus | nindent 4 }}
  ports: [{protocol: TCP, port: 9090}]
{{- end }}

{{- define "mesh.flow" -}}
- ports:
    {{- range .tcpPorts }}
    - {protocol: TCP, port: {{ int . }}}
    {{- end }}
    {{- range .udpPorts }}
    - {protocol: UDP, port: {{ int . }}}
    {{- end }}
    {{- with .udpRange }}
    - {protocol: UDP, port: {{ int .from }}, endPort: {{ int .to }}}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* A LiveKit that has its node's network is no pod to a network policy. */}}
{{- define "mesh.toLivekit" -}}
{{- if and .Values.global.livekit.bundled (not .Values.global.livekit.hostNetwork) }}
- to: {{- include "mesh.components" (list "livekit") | nindent 4 }}
  ports: [{protocol: TCP, port: 7880}, {protocol: TCP, port: 7881}, {protocol: UDP, port: 7882}]
{{- else }}
{{- include "mesh.flow" .Values.global.networkPolicy.livekit }}
{{- end }}
{{- end }}

{{- define "mesh.toRedis" -}}
{{- if .Values.global.redis.bundled }}
- to: {{- include "mesh.components" (list "redis") | nindent 4 }}
  ports: [{protocol: TCP, port: 6379}]
{{- else }}
{{- include "mesh.flow" .Values.global.networkPolicy.redis }}
{{- end }}
{{- end }}

{{- define "mesh.toCollector" -}}
{{- if .Values.global.tracing.endpoint }}
{{- include "mesh.flow" .Values.global.networkPolicy.tracing }}
{{- end }}
{{- end }}

{{- define "mesh.toPostgres" -}}
{{- if .Values.global.postgres.bundled }}
- to: {{- include "mesh.components" (list "postgres") | nindent 4 }}
  ports: [{protocol: TCP, port: 5432}]
{{- else }}
{{- include "mesh.flow" .Values.global.networkPolicy.database }}
{{- end }}
{{- end }}
