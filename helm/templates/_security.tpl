{{- define "firesteel.podSecurity" -}}
{{- if and (eq .role "node") (eq .root.Values.tier "extended") -}}
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
{{- else if and (eq .role "state") (eq .root.Values.platform "openshift") -}}
{{- /* The namespace defines the range of uids and groups. */}}
runAsNonRoot: true
{{- else -}}
runAsUser: 65534
runAsGroup: 65534
runAsNonRoot: true
{{- end }}
{{- if or (eq .role "node") (ne .root.Values.platform "openshift") }}
fsGroup: 65534
{{- end }}
{{- if eq .role "node" }}
{{- if eq .root.Values.platform "openshift" }}
{{- /* SELinux denies any other type access to folders of the host. */}}
seLinuxOptions:
  type: spc_t
{{- end }}
{{- with .root.Values.node.logGroups }}
supplementalGroups:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- if and (include "firesteel.pings" .) (not (include "firesteel.inHostNetwork" .)) }}
sysctls:
  - name: net.ipv4.ping_group_range
    value: "0 2147483647"
{{- end }}
{{- end -}}

{{- /* Not empty if the configuration of this role has ping tasks. Takes dict root, role. */ -}}
{{- define "firesteel.pings" -}}
{{- $pod := index .root.Values .role -}}
{{- range (concat ($pod.tasks | default list) ($pod.extraConfig.tasks | default list)) -}}
{{- if and (eq (toString .type) "ping") (ne (toString .enabled) "false") -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A pod in the host's network cannot have network sysctls. */ -}}
{{- define "firesteel.inHostNetwork" -}}
{{- if and (eq .role "node") .root.Values.node.hostNetwork -}}true{{- end -}}
{{- end -}}

{{- /* The extended tier uses uid 0 because capabilities that are added for any other uid are lost at exec. */ -}}
{{- define "firesteel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- if and (eq .role "node") (eq .root.Values.tier "extended") }}
  add: [DAC_READ_SEARCH, SYS_PTRACE]
  {{- end }}
{{- end -}}
