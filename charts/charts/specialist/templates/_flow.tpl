{{/* What may be reached at which ports; without `to` at any address. */}}
{{- define "specialist.flow" -}}
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
