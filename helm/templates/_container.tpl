{{- /* The agent's container. Takes dict root, role. */ -}}
{{- define "firesteel.container" -}}
{{- $root := .root -}}
{{- $pod := index $root.Values .role -}}
name: firesteel
image: {{ include "firesteel.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- with $pod.nodeOptions }}
command:
  - /usr/bin/node
  - --disable-warning=ExperimentalWarning
  {{- toYaml . | nindent 2 }}
  - /opt/firesteel/firesteel.mjs
{{- end }}
args:
  - run
  - --config
  - /etc/firesteel/config.yaml
  {{- if eq .role "node" }}
  {{- with include "firesteel.kubeletArgs" $root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- if and (eq .role "node") $pod.labelWithPod }}
  - --set
  - identity.node.labels.namespace=$(POD_NAMESPACE)
  - --set
  - identity.node.labels.pod=$(POD_NAME)
  {{- end }}
  {{- if and (eq .role "state") $root.Values.state.autosharding }}
  - --set
  - collectors.ksm.pod=$(POD_NAME)
  - --set
  - collectors.ksm.podNamespace=$(POD_NAMESPACE)
  {{- else if and (eq .role "state") (gt (int $root.Values.state.shards) 1) }}
  - --set
  - collectors.ksm.totalShards={{ int $root.Values.state.shards }}
  - --set
  - collectors.ksm.shard={{ .shard }}
  {{- if .shard }}
  - --set
  - election.lease={{ include "firesteel.fullname" $root }}-{{ .shard }}
  {{- end }}
  {{- end }}
env:
  {{- include (printf "firesteel.%sEnv" .role) $root | nindent 2 }}
  {{- with $pod.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $pod.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http
    containerPort: {{ int $root.Values.http.port }}
    {{- with and (eq .role "node") $pod.hostPort }}
    hostPort: {{ int . }}
    {{- end }}
    protocol: TCP
  {{- if eq .role "node" }}
  {{- with include "firesteel.snmpPort" $root }}
  - name: snmp-traps
    containerPort: {{ int . }}
    {{- if and $pod.snmpHostPort (not $pod.hostNetwork) }}
    hostPort: {{ int $pod.snmpHostPort }}
    {{- end }}
    protocol: UDP
  {{- end }}
  {{- end }}
{{- with $pod.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.resizePolicy }}
resizePolicy:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $probe, $usual := include "firesteel.probes" $root | fromYaml }}
{{ $probe }}Probe:
  {{- toYaml (mergeOverwrite $usual (index $pod.probes $probe | default dict)) | nindent 2 }}
{{- end }}
resources:
  {{- toYaml $pod.resources | nindent 2 }}
securityContext:
  {{- toYaml (mergeOverwrite (include "firesteel.containerSecurity" . | fromYaml) $pod.securityContext) | nindent 2 }}
volumeMounts:
  {{- include "firesteel.mounts" . | nindent 2 }}
  {{- with $pod.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* The kubelet at the address of the node, which only the pod knows, unless a URL is set. */ -}}
{{- define "firesteel.kubeletArgs" -}}
{{- $container := (include "firesteel.collectors" . | fromYaml).container -}}
{{- if and (include "firesteel.kubeletMetrics" .) (not ($container.kubelet | default dict).url) }}
- --set
- collectors.container.kubelet.url=https://$(NODE_IP):10250
{{- end }}
{{- if and (eq (include "firesteel.identitySource" .) "kubelet") (not ($container.identity | default dict).url) }}
- --set
- collectors.container.identity.url=https://$(NODE_IP):10250
{{- end }}
{{- end -}}

{{- define "firesteel.nodeEnv" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- if or .Values.node.labelWithPod (include "firesteel.scrapesPods" .) }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- if .Values.node.labelWithPod }}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- if eq (include "firesteel.usesKubelet" .) "true" }}
- name: NODE_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
{{- end }}
{{- end -}}

{{- /* A state agent is not a node: its own series carry the name of the pod. */ -}}
{{- define "firesteel.stateEnv" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end -}}

{{- define "firesteel.probes" -}}
{{- $scheme := include "firesteel.scheme" . | upper -}}
startup:
  httpGet: { path: /healthz, port: http, scheme: {{ $scheme }} }
  periodSeconds: 2
  failureThreshold: 60
  timeoutSeconds: 5
liveness:
  httpGet: { path: /healthz, port: http, scheme: {{ $scheme }} }
  periodSeconds: 20
  failureThreshold: 6
  timeoutSeconds: 5
readiness:
  httpGet: { path: /readyz, port: http, scheme: {{ $scheme }} }
  periodSeconds: 10
  failureThreshold: 3
  timeoutSeconds: 5
{{- end -}}
