{{/* Where a trial's data is: gone with its pod, or a claim. */}}
{{- define "mesh.dataVolume" -}}
{{- if .persistence.enabled -}}
persistentVolumeClaim: {claimName: {{ .name }}}
{{- else -}}
emptyDir: {sizeLimit: {{ .persistence.size }}}
{{- end }}
{{- end }}

{{- define "mesh.dataClaim" -}}
{{- if .persistence.enabled }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  labels: {{- include "mesh.labels" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .persistence.size }}}}
{{- end }}
{{- end }}
