{{/* How this service and what belongs to it is called, labelled and found. */}}

{{- define "specialist.selector" -}}
app.kubernetes.io/name: {{ .Values.service }}
app.kubernetes.io/component: worker
{{- end }}

{{- define "specialist.labels" -}}
{{ include "specialist.selector" . }}
app.kubernetes.io/part-of: voice-mesh
app.kubernetes.io/managed-by: {{ .Release.Service }}
voice-mesh/service: {{ .Values.service }}
{{- end }}

{{/* An image. Call with (dict "root" $ "target" "billing" "own" <image of values> "instead" <what goes before it, or nil>). */}}
{{- define "specialist.image" -}}
{{- $all := .root.Values.global.image }}
{{- $own := .own }}
{{- $instead := .instead | default dict }}
{{- $repository := $own.repository | default (printf "%svoice-mesh/%s" (ternary "" (printf "%s/" (trimSuffix "/" $all.registry)) (empty $all.registry)) .target) }}
{{- $isInstead := or $instead.digest $instead.tag }}
{{- $digest := ternary $instead.digest $own.digest (not (empty $isInstead)) }}
{{- $tag := $instead.tag | default $own.tag | default $all.tag | default .root.Chart.AppVersion }}
{{- if $digest }}{{ $repository }}@{{ $digest }}{{ else }}{{ $repository }}:{{ $tag }}{{ end }}
{{- end }}

{{/* Its version: the tag, or the digest's beginning. Call as specialist.image. */}}
{{- define "specialist.version" -}}
{{- $image := include "specialist.image" . }}
{{- if contains "@" $image }}{{ $image | splitList "@" | last | trunc 19 }}{{ else }}{{ $image | splitList ":" | last }}{{ end }}
{{- end }}

{{/* How long Kubernetes waits for a pod that shall go. */}}
{{- define "specialist.gracePeriod" -}}
{{- $needed := add .Values.preStopSeconds .Values.drainSeconds .Values.closingSeconds | int }}
{{- $given := .Values.terminationGracePeriodSeconds }}
{{- if kindIs "invalid" $given }}{{ $needed }}{{ else }}
{{- if lt (int $given) $needed }}
{{- fail (printf "\n\n%s: terminationGracePeriodSeconds is %d, and a pod needs %d: %d of preStopSeconds, %d of drainSeconds, %d of closingSeconds. Kubernetes would kill it with calls on the line. Set terminationGracePeriodSeconds to %d or more, or leave it out.\n" .Values.service (int $given) $needed (int .Values.preStopSeconds) (int .Values.drainSeconds) (int .Values.closingSeconds) $needed) }}
{{- end }}
{{- int $given }}
{{- end }}
{{- end }}

{{- define "specialist.ownsReplicas" -}}
{{- if eq .Values.autoscaling.kind "none" }}yes{{ end }}
{{- end }}

{{- define "specialist.hasOffice" -}}
{{- if .Values.backOffice.module }}yes{{ end }}
{{- end }}
