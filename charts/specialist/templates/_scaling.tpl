{{/* How fast pods come and go; the same for an HPA and for the one that KEDA makes. */}}
{{- define "specialist.behavior" -}}
{{- $a := .Values.autoscaling }}
scaleUp:
  stabilizationWindowSeconds: {{ int $a.scaleUp.stabilizationWindowSeconds }}
  policies:
    - {type: Pods, value: {{ int $a.scaleUp.pods }}, periodSeconds: {{ int $a.scaleUp.periodSeconds }}}
scaleDown:
  stabilizationWindowSeconds: {{ int $a.scaleDown.stabilizationWindowSeconds }}
  policies:
    - {type: Percent, value: {{ int $a.scaleDown.percent }}, periodSeconds: {{ int $a.scaleDown.periodSeconds }}}
{{- end }}
