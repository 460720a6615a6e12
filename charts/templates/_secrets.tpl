{{/* Secrets of a trial: made once, kept over upgrades, or derived from a seed. */}}

{{- define "mesh.databases" -}}billing technical sales escalation ledger{{- end }}

{{/* One value. Call with (dict "root" $ "secret" "redis-credentials" "key" "REDIS_PASSWORD"). */}}
{{- define "mesh.secretValue" -}}
{{- $there := (lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict }}
{{- if .root.Values.secrets.seed -}}
{{ printf "%s/%s/%s" .root.Values.secrets.seed .secret .key | sha256sum }}
{{- else if hasKey $there .key -}}
{{ get $there .key | b64dec }}
{{- else -}}
{{ randAlphaNum 48 }}
{{- end }}
{{- end }}

{{- define "mesh.livekitKey" -}}voicemesh{{- end }}

{{- define "mesh.secret" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  labels:
    app.kubernetes.io/part-of: voice-mesh
    app.kubernetes.io/managed-by: {{ .root.Release.Service }}
type: Opaque
{{- end }}
