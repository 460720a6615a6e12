{{/* An init container that waits until each place accepts connections. Call with (dict "root" $ "target" "ledger" "own" <image> "places" (list "postgres:5432")). */}}
{{- define "mesh.waitFor" -}}
- name: wait
  image: {{ include "mesh.image" . }}
  imagePullPolicy: {{ .root.Values.global.image.pullPolicy }}
  securityContext: {{- include "mesh.containerSecurity" . | nindent 4 }}
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
    {{- range .places }}
    - {{ . | quote }}
    {{- end }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 200m, memory: 64Mi}
{{- end }}
