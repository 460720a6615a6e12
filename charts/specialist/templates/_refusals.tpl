{{/* What is refused, with the value to mend. The schema says what a value looks like; here is how values fit together. */}}

{{- define "specialist.refusals" -}}
{{- $v := .Values }}
{{- if not $v.service }}
{{- fail "\n\nservice is not set. Install a service with its own values: helm upgrade --install billing charts/specialist -f services/billing/values.yaml\n" }}
{{- end }}
{{- $isAlias := not (eq .Chart.Name "specialist") }}
{{- if and $isAlias (ne .Chart.Name $v.service) }}
{{- fail (printf "\n\n%s.service is %s. A service has one name: set %s.service to %s.\n" .Chart.Name $v.service .Chart.Name .Chart.Name) }}
{{- end }}
{{- if ne $v.autoscaling.kind "none" }}
{{- $aim := int $v.autoscaling.activeSessions }}
{{- $most := int $v.maxSessions }}
{{- if le (mul $most 10) (mul $aim 11) }}
{{- fail (printf "\n\n%s: autoscaling.activeSessions is %d and maxSessions is %d. A pod never has more calls than maxSessions, and the autoscaler acts only when the average is more than a tenth above its aim, so it would never add a pod. Set maxSessions to %d or more, or autoscaling.activeSessions to %d or less.\n" $v.service $aim $most (add (div (mul $aim 11) 10) 1) (div (sub (mul $most 10) 1) 11)) }}
{{- end }}
{{- if gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas) }}
{{- fail (printf "\n\n%s: autoscaling.minReplicas is %d, more than autoscaling.maxReplicas (%d). Set it to %d or less.\n" $v.service (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas) (int $v.autoscaling.maxReplicas)) }}
{{- end }}
{{- end }}
{{- if and (eq $v.autoscaling.kind "keda") (not $v.autoscaling.keda.prometheusAddress) }}
{{- fail (printf "\n\n%s: autoscaling.kind is keda, and KEDA has to be told where Prometheus is. Set autoscaling.keda.prometheusAddress, e.g. to http://prometheus-operated.monitoring.svc:9090\n" $v.service) }}
{{- end }}
{{- if and $v.global.mtls.certManager.enabled (not $v.global.mtls.enabled) }}
{{- fail "\n\nglobal.mtls.certManager.enabled is true and global.mtls.enabled is false: certificates that nobody would use. Set global.mtls.enabled to true as well.\n" }}
{{- end }}
{{- if and $v.global.mtls.certManager.enabled (not $v.global.mtls.certManager.issuerRef.name) }}
{{- fail "\n\nglobal.mtls.certManager.enabled is true, and no issuer is named. Set global.mtls.certManager.issuerRef, e.g. to {name: voice-mesh, kind: Issuer}\n" }}
{{- end }}
{{- include "specialist.ownedVariables" . }}
{{- range $path, $tag := dict "image.tag" $v.image.tag "backOffice.image.tag" $v.backOffice.image.tag "canary.image.tag" $v.canary.image.tag "canary.backOffice.image.tag" $v.canary.backOffice.image.tag "global.image.tag" $v.global.image.tag }}
{{- if eq $tag "latest" }}
{{- fail (printf "\n\n%s: %s is latest, which is another image tomorrow, and cannot be rolled back to. Give a version, or a digest.\n" $v.service $path) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "specialist.ownedVariables" -}}
{{- $owned := dict
  "VOICEMESH_MAX_SESSIONS" "set maxSessions instead"
  "VOICEMESH_IDLE_PROCESSES" "set idleProcesses instead"
  "VOICEMESH_DRAIN_SECONDS" "set drainSeconds instead"
  "VOICEMESH_LOG_LEVEL" "set global.logLevel instead"
  "OTEL_EXPORTER_OTLP_ENDPOINT" "set global.tracing.endpoint instead"
  "VOICEMESH_MCP_URL" "the chart sets it"
  "VOICEMESH_TLS_DIR" "set global.mtls.enabled instead"
  "VOICEMESH_CANARY_WEIGHT" "set canary.weight instead"
  "VOICEMESH_VERSION" "it is the image's tag"
  "VOICEMESH_CLIPS_DIR" "the chart sets it"
  "VOICEMESH_HEALTH_PORT" "the chart's probes and policies know 8080"
  "VOICEMESH_METRICS_PORT" "the chart's probes and policies know 9090"
  "VOICEMESH_GRPC_PORT" "the other services know 50051"
  "VOICEMESH_SPEECH_URL" "set global.speech.url instead"
  "LIVEKIT_URL" "set global.livekit.url instead"
  "LIVEKIT_API_KEY" "it is a secret: put it into the Secret that global.livekit.secret names"
  "LIVEKIT_API_SECRET" "it is a secret: put it into the Secret that global.livekit.secret names"
  "REDIS_URL" "it may hold a password: put it into the Secret that global.redis.secret names"
  "OPENAI_API_KEY" "it is a secret: put it into the Secret that global.openai.secret names"
  "OPENAI_BASE_URL" "set global.openai.baseUrl instead"
  "VOICEMESH_SEAL_KEY" "it is a secret: put it into the Secret that global.keys.secret names"
  "VOICEMESH_CAPABILITY_KEY" "it is a secret of the back offices: put it into the Secret that global.keys.secret names"
  "DATABASE_URL" "it is a secret of the back office: put it into the Secret that backOffice.databaseSecret names" }}
{{- $service := .Values.service }}
{{- range $path, $given := dict "env" .Values.env "global.env" .Values.global.env "canary.env" .Values.canary.env "backOffice.env" .Values.backOffice.env }}
{{- range $name, $_ := $given }}
{{- if hasKey $owned $name }}
{{- fail (printf "\n\n%s: %s.%s cannot be given there: %s.\n" $service $path $name (get $owned $name)) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $path, $given := dict "extraEnv" .Values.extraEnv "backOffice.extraEnv" .Values.backOffice.extraEnv }}
{{- range $given }}
{{- if hasKey $owned .name }}
{{- fail (printf "\n\n%s: %s has %s, which cannot be given there: %s.\n" $service $path .name (get $owned .name)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
