{{- /* "true" if there are agents of this kind: a workload is installed if one of its collectors is enabled. */ -}}
{{- define "firesteel.hasNode" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- if or $collectors.node.enabled $collectors.container.enabled $collectors.process.enabled (include "firesteel.readsLogs" .) (include "firesteel.snmpPort" .) }}true{{ end -}}
{{- end -}}

{{- /* "true" if node agents read or ship the host's journal or log files; its folders are then mounted. */ -}}
{{- define "firesteel.readsLogs" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- range $name := list "journal" "kernel" "log" -}}
{{- if (index $collectors $name | default dict).enabled }}true{{ end -}}
{{- end -}}
{{- range $name := list "journal" "kernel" -}}
{{- if (index $.Values.logs $name | default dict).enabled }}true{{ end -}}
{{- end -}}
{{- if .Values.logs.files }}true{{ end -}}
{{- end -}}

{{- /* The UDP port on which node agents receive SNMP traps; empty if they do not. */ -}}
{{- define "firesteel.snmpPort" -}}
{{- $snmp := (include "firesteel.collectors" . | fromYaml).snmp | default dict -}}
{{- if $snmp.enabled }}{{ $snmp.listen | default ":1162" | regexFind "[0-9]+$" }}{{ end -}}
{{- end -}}

{{- /* "true" if node agents read files of the host and do not only query the kubelet. */ -}}
{{- define "firesteel.readsHost" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- $cgroups := and $collectors.container.enabled (ne ($collectors.container.source | default "cgroup") "kubelet") -}}
{{- if or $collectors.node.enabled $collectors.process.enabled $cgroups (include "firesteel.readsLogs" .) }}true{{ end -}}
{{- end -}}

{{- /* "true" if node agents create a socket in a folder of the host, for local pushes. */ -}}
{{- define "firesteel.pushSocket" -}}
{{- if and .Values.localPush.enabled .Values.localPush.socket.hostPath }}true{{ end -}}
{{- end -}}

{{- /* "true" if a Service routes pods to the agent of their node, for local pushes. */ -}}
{{- define "firesteel.pushService" -}}
{{- if and .Values.localPush.enabled .Values.localPush.token.existingSecret .Values.localPush.service.enabled (include "firesteel.hasNode" .) }}true{{ end -}}
{{- end -}}

{{- define "firesteel.hasState" -}}
{{- if (include "firesteel.collectors" . | fromYaml).ksm.enabled }}true{{ end -}}
{{- end -}}

{{- define "firesteel.scheme" -}}
{{- ternary "https" "http" (not (empty .Values.http.tls.existingSecret)) -}}
{{- end -}}

{{- define "firesteel.stateUrl" -}}
{{ include "firesteel.scheme" . }}://{{ include "firesteel.fullname" . }}-state.{{ include "firesteel.namespace" . }}.svc:{{ int .Values.http.port }}
{{- end -}}

{{- /* "true" if node agents scrape the pods of their node. */ -}}
{{- define "firesteel.scrapesPods" -}}
{{- if or .Values.scrape.pods (.Values.scrape.annotations | default dict).enabled }}true{{ end -}}
{{- end -}}

{{- /* The annotation with which pods opt in to log following; empty if that is disabled. */ -}}
{{- define "firesteel.logsAnnotation" -}}
{{- $log := (include "firesteel.collectors" . | fromYaml).log | default dict -}}
{{- $containers := $log.containers | default dict -}}
{{- if and $log.enabled $containers.enabled }}{{ $containers.annotation | default "firesteel.io/logs" }}{{ end -}}
{{- end -}}

{{- /* Where node agents get the names of pods from: state, apiserver, kubelet, or none if nothing needs them. */ -}}
{{- define "firesteel.identitySource" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- $identity := $collectors.container.identity | default dict -}}
{{- $usual := ternary "state" "apiserver" (not (empty (include "firesteel.hasState" .))) -}}
{{- $scrapesPods := include "firesteel.scrapesPods" . -}}
{{- $wanted := or $collectors.container.enabled (and $collectors.process.enabled $collectors.process.byPod) ($collectors.kernel | default dict).enabled $scrapesPods (include "firesteel.logsAnnotation" .) -}}
{{- ternary ($identity.source | default $usual) "none" (not (empty $wanted)) -}}
{{- end -}}

{{- /* "true" if node agents query the state agents of this release. */ -}}
{{- define "firesteel.asksState" -}}
{{- $identity := (include "firesteel.collectors" . | fromYaml).container.identity | default dict -}}
{{- if and (include "firesteel.hasState" .) (eq (include "firesteel.identitySource" .) "state") (not $identity.url) }}true{{ end -}}
{{- end -}}

{{- /* "true" if node agents request metrics from the kubelet. */ -}}
{{- define "firesteel.kubeletMetrics" -}}
{{- $container := (include "firesteel.collectors" . | fromYaml).container -}}
{{- if and $container.enabled (or $container.kubeletMetrics (eq ($container.source | default "cgroup") "kubelet")) }}true{{ end -}}
{{- end -}}

{{- /* RBAC rules of node agents: none, except for names that do not come from the state agents, and for the kubelet's metrics. */ -}}
{{- define "firesteel.nodeRules" -}}
{{- $source := include "firesteel.identitySource" . -}}
{{- if eq $source "apiserver" }}
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
{{- if eq $source "kubelet" }}
- apiGroups: [""]
  resources: [nodes/pods]
  verbs: [get]
{{- end }}
{{- if include "firesteel.kubeletMetrics" . }}
- apiGroups: [""]
  resources: [nodes/metrics]
  verbs: [get]
{{- end }}
{{- end -}}

{{- /* Whether node agents query the kubelet of their node. */ -}}
{{- define "firesteel.usesKubelet" -}}
{{- or (eq (include "firesteel.identitySource" .) "kubelet") (eq (include "firesteel.kubeletMetrics" .) "true") -}}
{{- end -}}

{{- /* Whether the pod needs the token of its service account. */ -}}
{{- define "firesteel.usesApi" -}}
{{- or (eq .role "state") (not (empty (include "firesteel.nodeRules" .root | trim))) -}}
{{- end -}}
