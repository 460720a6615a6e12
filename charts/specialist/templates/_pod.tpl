{{/* A pod of the service. Call with (dict "root" $ "track" "stable" "canary" nil), or canary and its values. */}}

{{- define "specialist.pod" -}}
{{- $v := .root.Values }}
metadata:
  labels:
    {{- include "specialist.labels" .root | nindent 4 }}
    track: {{ .track }}
    {{- with $v.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    kubectl.kubernetes.io/default-container: worker
    checksum/settings: {{ include "specialist.plainVariables" .root | sha256sum }}
    {{- with $v.global.secretsChecksum }}
    checksum/secrets: {{ . | quote }}
    {{- end }}
    {{- if $v.global.monitoring.annotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9090"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with $v.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ $v.service }}
  automountServiceAccountToken: false
  # Kubernetes would tell of every Service in variables, and some are named as settings are (REDIS_PORT).
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "specialist.gracePeriod" .root }}
  {{- with $v.global.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.global.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- if or (include "specialist.awaited" .root) (include "specialist.hasOffice" .root) }}
  initContainers:
    {{- if include "specialist.awaited" .root }}
    {{- include "specialist.waiting" . | trim | nindent 4 }}
    {{- end }}
    {{- if include "specialist.hasOffice" .root }}
    {{- include "specialist.office" . | trim | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- include "specialist.worker" . | trim | nindent 4 }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: {{ $v.tmpSizeLimit }}}
    {{- if include "specialist.hasOffice" .root }}
    - name: office-tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- end }}
    {{- if $v.global.mtls.enabled }}
    - name: tls
      secret: {secretName: {{ $v.service }}-tls, defaultMode: 0440}
    {{- end }}
    {{- with $v.global.redis.caSecret }}
    - name: redis-ca
      secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
    {{- end }}
  {{- if $v.topologySpread.enabled }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {app.kubernetes.io/name: {{ $v.service }}, app.kubernetes.io/component: worker, track: {{ $.track }}}
      # The pods of one release of the service; those that are just going do not count.
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "specialist.deployment" -}}
{{- $v := .root.Values }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    {{- include "specialist.labels" .root | nindent 4 }}
    track: {{ .track }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  revisionHistoryLimit: 5
  # A pod goes when another one is there to take its calls, never before.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "specialist.selector" .root | nindent 6 }}
      track: {{ .track }}
  template: {{- include "specialist.pod" . | trim | nindent 4 }}
{{- end }}

{{- define "specialist.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "specialist.labels" .root | nindent 4 }}
spec:
  # Headless: its name leads to every pod, and whoever hands a call over asks each of them.
  clusterIP: None
  selector:
    {{- include "specialist.selector" .root | nindent 4 }}
    track: {{ .track }}
  ports:
    - {name: grpc, port: 50051, targetPort: grpc, appProtocol: grpc}
{{- end }}
