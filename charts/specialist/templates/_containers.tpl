{{/* The containers of a pod. Each is called with (dict "root" $ "canary" <canary of values, or nil>). */}}

{{- define "specialist.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "specialist.worker" -}}
{{- $v := .root.Values }}
{{- $canary := .canary | default dict }}
- name: worker
  image: {{ include "specialist.image" (dict "root" .root "target" $v.service "own" $v.image "instead" $canary.image) }}
  imagePullPolicy: {{ $v.global.image.pullPolicy }}
  securityContext: {{- include "specialist.containerSecurity" . | nindent 4 }}
  envFrom:
    - configMapRef: {name: {{ $v.service }}}
  env: {{- include "specialist.secretVariables" .root | trim | nindent 4 }}
    # What people and a canary's record call this release.
    - {name: VOICEMESH_VERSION, value: {{ include "specialist.version" (dict "root" .root "target" $v.service "own" $v.image "instead" $canary.image) | quote }}}
    {{- if $canary }}
    - {name: VOICEMESH_CANARY_WEIGHT, value: {{ $canary.weight | toString | quote }}}
    {{- range $name, $value := $canary.env }}
    - {name: {{ $name }}, value: {{ $value | toString | quote }}}
    {{- end }}
    {{- end }}
    {{- with $v.extraEnv }}{{ toYaml . | nindent 4 }}{{ end }}
  ports:
    - {name: health, containerPort: 8080}
    - {name: metrics, containerPort: 9090}
    - {name: grpc, containerPort: 50051}
  # A worker with calls is not killed for being slow; the event loop must stand still for a minute.
  startupProbe:
    httpGet: {path: /health/live, port: health}
    periodSeconds: 2
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /health/live, port: health}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  # Not /health/ready: that turns red when every place is taken, and a full pod would vanish from the names of those who hand over to it.
  readinessProbe:
    httpGet: {path: /health/serving, port: health}
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 3
  {{- if $v.preStopSeconds }}
  lifecycle:
    preStop:
      sleep: {seconds: {{ int $v.preStopSeconds }}}
  {{- end }}
  resources: {{- toYaml $v.resources | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if $v.global.mtls.enabled }}
    - {name: tls, mountPath: /tls, readOnly: true}
    {{- end }}
    {{- if $v.global.redis.caSecret }}
    - {name: redis-ca, mountPath: /redis-ca, readOnly: true}
    {{- end }}
{{- end }}

{{/* The kubelet cannot reach loopback, so the probes ask from inside. It listens nowhere else: only this pod's worker may use it. */}}
{{- define "specialist.askTheOffice" -}}
exec:
  command:
    - python
    - -IS
    - -c
    - |
      import socket, sys
      try:
          with socket.create_connection(("127.0.0.1", 8000), 2) as asked:
              asked.sendall(b"GET {{ . }} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
              sys.exit(b" 200 " not in asked.recv(64))
      except OSError as error:
          sys.exit(f"it does not listen: {error}")
{{- end }}

{{- define "specialist.office" -}}
{{- $v := .root.Values }}
{{- $office := $v.backOffice }}
{{- $canary := .canary | default dict }}
{{- $own := dict "repository" $office.image.repository "tag" ($office.image.tag | default $v.image.tag) "digest" $office.image.digest }}
{{- $instead := dict }}
{{- if $canary }}
{{- $instead = dict "tag" ($canary.backOffice.image.tag | default $canary.image.tag) "digest" $canary.backOffice.image.digest }}
{{- end }}
- name: back-office
  image: {{ include "specialist.image" (dict "root" .root "target" (replace "_" "-" $office.module) "own" $own "instead" $instead) }}
  imagePullPolicy: {{ $v.global.image.pullPolicy }}
  # A sidecar: up before the worker starts, and told to go when the worker has gone.
  restartPolicy: Always
  args: ["--host", "127.0.0.1", "--port", "8000"]
  securityContext: {{- include "specialist.containerSecurity" . | nindent 4 }}
  env:
    - name: DATABASE_URL
      valueFrom: {secretKeyRef: {name: {{ $office.databaseSecret | default (printf "%s-database" $v.service) }}, key: DATABASE_URL}}
    - name: VOICEMESH_CAPABILITY_KEY
      valueFrom: {secretKeyRef: {name: {{ $v.global.keys.secret }}, key: VOICEMESH_CAPABILITY_KEY}}
    - {name: VOICEMESH_LOG_LEVEL, value: {{ $v.global.logLevel }}}
    {{- with $v.global.tracing.endpoint }}
    - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
    {{- end }}
    {{- range $name, $value := $office.env }}
    - {name: {{ $name }}, value: {{ $value | toString | quote }}}
    {{- end }}
    {{- with $office.extraEnv }}{{ toYaml . | nindent 4 }}{{ end }}
  startupProbe:
    {{- include "specialist.askTheOffice" "/health/ready" | nindent 4 }}
    periodSeconds: 2
    timeoutSeconds: 5
    failureThreshold: 45
  # No readiness of its own: without its database the worker still has its calls, and says what it cannot do.
  livenessProbe:
    {{- include "specialist.askTheOffice" "/health/live" | nindent 4 }}
    periodSeconds: 20
    timeoutSeconds: 10
    failureThreshold: 3
  resources: {{- toYaml $office.resources | nindent 4 }}
  volumeMounts:
    - {name: office-tmp, mountPath: /tmp}
{{- end }}

{{/* In a trial everything starts at once; these are there before the pod's own containers start. */}}
{{- define "specialist.awaited" -}}
{{- $g := .Values.global }}
{{- $places := list }}
{{- if $g.redis.bundled }}{{ $places = append $places "redis:6379" }}{{ end }}
{{- if $g.livekit.bundled }}{{ $places = append $places "livekit:7880" }}{{ end }}
{{- if and $g.postgres.bundled (include "specialist.hasOffice" .) }}{{ $places = append $places "postgres:5432" }}{{ end }}
{{- join " " $places }}
{{- end }}

{{- define "specialist.waiting" -}}
{{- $v := .root.Values }}
{{- $canary := .canary | default dict }}
- name: wait
  image: {{ include "specialist.image" (dict "root" .root "target" $v.service "own" $v.image "instead" $canary.image) }}
  imagePullPolicy: {{ $v.global.image.pullPolicy }}
  securityContext: {{- include "specialist.containerSecurity" . | nindent 4 }}
  command:
    - python
    - -IS
    - -c
    - |
      import socket, sys, time
      for place in sys.argv[1:]:
          host, _, port = place.rpartition(":")
          while True:
              try:
                  socket.create_connection((host, int(port)), 2).close()
                  break
              except OSError:
                  print(f"waiting for {place}", flush=True)
                  time.sleep(1)
    {{- range include "specialist.awaited" .root | splitList " " }}
    - {{ . | quote }}
    {{- end }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 200m, memory: 64Mi}
{{- end }}
