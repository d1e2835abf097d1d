{{- define "firesteel.podSecurity" -}}
{{- if and (eq .role "node") (eq .root.Values.tier "extended") -}}
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
{{- else -}}
runAsUser: 65534
runAsGroup: 65534
runAsNonRoot: true
{{- end }}
fsGroup: 65534
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* Extended means uid 0 since capabilities that are added for any other uid are lost at exec. */ -}}
{{- define "firesteel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- if and (eq .role "node") (eq .root.Values.tier "extended") }}
  add: [DAC_READ_SEARCH, SYS_PTRACE]
  {{- end }}
{{- end -}}
