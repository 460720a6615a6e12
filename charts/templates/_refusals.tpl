{{/* What is refused, with the value to mend: how values of this chart fit together. */}}

{{- define "mesh.refusals" -}}
{{- $v := .Values }}
{{- $g := $v.global }}
{{- if and $v.priorityClass.create (not $g.priorityClassName) }}
{{- fail "\n\npriorityClass.create is true, and it has no name. Set global.priorityClassName, e.g. to voice-mesh\n" }}
{{- end }}
{{- if and $v.gateway.ingress.enabled (not $v.gateway.ingress.host) }}
{{- fail "\n\ngateway.ingress.enabled is true, and it has no host. Set gateway.ingress.host, e.g. to calls.example.com\n" }}
{{- end }}
{{- $bundled := list }}
{{- range $name := list "livekit" "redis" "postgres" }}
{{- if (get $g $name).bundled }}{{ $bundled = append $bundled (printf "global.%s.bundled" $name) }}{{ end }}
{{- end }}
{{- if and $bundled (not $v.secrets.create) }}
{{- fail (printf "\n\n%s is true and secrets.create is false: nobody would make its password. Set secrets.create to true.\n" (join ", " $bundled)) }}
{{- end }}
{{- if and $v.secrets.seed (lt (len $v.secrets.seed) 32) }}
{{- fail (printf "\n\nsecrets.seed has %d characters, and whoever guesses it has every password. Give 32 or more: openssl rand -hex 32\n" (len $v.secrets.seed)) }}
{{- end }}
{{- if and $g.livekit.bundled $g.livekit.url }}
{{- fail "\n\nglobal.livekit.bundled is true and global.livekit.url names another LiveKit. Set global.livekit.url to \"\", or bundled to false.\n" }}
{{- end }}
{{- range $path, $image := dict "gateway.image" $v.gateway.image "ledger.image" $v.ledger.image "scaleDown.image" $v.scaleDown.image "speech.image" $v.speech.image "test.image" $v.test.image }}
{{- if eq $image.tag "latest" }}
{{- fail (printf "\n\n%s.tag is latest, which is another image tomorrow, and cannot be rolled back to. Give a version, or a digest.\n" $path) }}
{{- end }}
{{- end }}
{{- range $path, $image := dict "redis.image" $v.redis.image "postgres.image" $v.postgres.image "livekit.image" $v.livekit.image }}
{{- if hasSuffix ":latest" $image }}
{{- fail (printf "\n\n%s is %s, which is another image tomorrow. Give a version, or a digest.\n" $path $image) }}
{{- end }}
{{- end }}
{{- $owned := dict "OTEL_EXPORTER_OTLP_ENDPOINT" "set global.tracing.endpoint instead" "LIVEKIT_URL" "set global.livekit.url instead" "VOICEMESH_PUBLIC_LIVEKIT_URL" "set gateway.publicLivekitUrl instead" "VOICEMESH_PROXIES" "set gateway.proxies instead" "VOICEMESH_HTTP_PORT" "the chart's probes and policies know 8088" "VOICEMESH_LOG_LEVEL" "set global.logLevel instead" "VOICEMESH_HEALTH_PORT" "the chart's probes and policies know 8080" "VOICEMESH_METRICS_PORT" "the chart's probes and policies know 9090" "REDIS_URL" "it may hold a password: put it into the Secret that global.redis.secret names" "DATABASE_URL" "it is a secret: put it into the Secret that ledger.databaseSecret names" "VOICEMESH_GATEWAY_SECRET" "it is a secret: put it into the Secret that gateway.secret names" }}
{{- range $path, $given := dict "gateway.env" $v.gateway.env "ledger.env" $v.ledger.env }}
{{- range $name, $_ := $given }}
{{- if hasKey $owned $name }}{{ fail (printf "\n\n%s.%s cannot be given there: %s.\n" $path $name (get $owned $name)) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
