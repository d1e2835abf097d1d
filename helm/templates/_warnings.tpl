{{- /* Valid settings that may not be intended. */ -}}
{{- define "firesteel.warnings" -}}
{{- if not .Values.cluster.name }}

Note: cluster.name is empty; set it before a second cluster pushes to the same receiver.
{{- end }}
{{- range $name, $given := .Values.exporters }}
{{- $auth := $given.auth | default dict }}
{{- if or $auth.password $auth.bearerToken }}

WARNING: exporters.{{ $name }}.auth contains a secret, which is readable in the release. Use existingSecret.
{{- end }}
{{- if and $given.auth (hasPrefix "http://" ($given.url | default "")) }}

WARNING: exporters.{{ $name }} sends credentials over http://. Use https://.
{{- end }}
{{- if ($given.tls | default dict).insecureSkipVerify }}

WARNING: exporters.{{ $name }}.tls.insecureSkipVerify accepts any certificate. Use caSecret.
{{- end }}
{{- end }}
{{- if and (include "firesteel.hasState" .) (lt (int .Values.state.replicas) 2) }}

Note: with fewer than two state agents there is a gap in kube_* series whenever the pod moves.
{{- end }}
{{- if and (include "firesteel.hasNode" .) (not (include "firesteel.hasState" .)) (eq (include "firesteel.identitySource" .) "apiserver") }}

Note: without state agents, node agents list and watch pods themselves: their service account can read all pods.
{{- end }}
{{- if and .Values.node.hostNetwork .Values.networkPolicy.enabled }}

Note: a NetworkPolicy does not apply to node agents in the host's network, and state agents accept requests from all addresses.
{{- end }}
{{- $node := dict "root" . "role" "node" }}
{{- if and (include "firesteel.hasNode" .) (include "firesteel.inHostNetwork" $node) (include "firesteel.pings" $node) }}

WARNING: ping tasks in the host's network need the sysctl net.ipv4.ping_group_range of the hosts to include group 65534.
{{- end }}
{{- if .Values.podMonitor.enabled }}

Note: a PodMonitor scrapes series that are already pushed; disable one of them, or every series exists twice.
{{- end }}
{{- end -}}
