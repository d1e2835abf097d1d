{{- /* The part of the configuration that both kinds of agents share. Takes dict root, role. */ -}}
{{- define "firesteel.commonConfig" -}}
{{- $values := .root.Values -}}
{{- with $values.cluster.name }}
cluster: {{ . | quote }}
{{- end }}
{{- with $values.labels }}
labels:
  {{- toYaml . | nindent 2 }}
{{- end }}
log:
  level: {{ $values.log.level }}
push:
  {{- toYaml $values.push | nindent 2 }}
{{- if ne $values.spool.type "none" }}
spool:
  path: /var/lib/firesteel/spool
  maxBytes: {{ $values.spool.maxBytes }}
  maxAge: {{ $values.spool.maxAge }}
{{- end }}
{{- with $values.budget }}
budget:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.relabel }}
relabel:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.groups }}
groups:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.identity }}
identity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "firesteel.exporters" .root | fromYaml }}
exporters:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "firesteel.httpConfig" -}}
{{- $http := .root.Values.http -}}
listen: {{ printf ":%d" (int $http.port) | quote }}
{{- if $http.tls.existingSecret }}
tls:
  certFile: /etc/firesteel-tls/tls.crt
  keyFile: /etc/firesteel-tls/tls.key
{{- end }}
{{- if $http.tokens.readKey }}
readTokenFile: /etc/firesteel-tokens/read
{{- end }}
{{- if $http.tokens.controlKey }}
controlTokenFile: /etc/firesteel-tokens/control
{{- if ne .root.Values.spool.type "none" }}
stateFile: /var/lib/firesteel/collectors.json
{{- end }}
{{- end }}
{{- if eq .role "state" }}
{{- if eq $http.podInfoAuth.type "token" }}
podInfoTokenFile: /etc/firesteel-tokens/pod-info
{{- else if eq $http.podInfoAuth.type "tokenReview" }}
podInfoTokenReview:
  audiences: [firesteel]
  users:
    - system:serviceaccount:{{ include "firesteel.namespace" .root }}:{{ include "firesteel.serviceAccount" (dict "root" .root "role" "node") }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Where the names of pods come from. */ -}}
{{- define "firesteel.identityConfig" -}}
{{- $source := include "firesteel.identitySource" . -}}
source: {{ $source }}
{{- if include "firesteel.asksState" . }}
url: {{ include "firesteel.stateUrl" . }}
{{- if .Values.http.tls.existingSecret }}
caFile: /etc/firesteel-tls/ca.crt
{{- end }}
{{- if ne .Values.http.podInfoAuth.type "none" }}
tokenFile: /etc/firesteel-tokens/pod-info
{{- else if .Values.http.tokens.readKey }}
tokenFile: /etc/firesteel-tokens/read
{{- end }}
{{- end }}
{{- end -}}

{{- define "firesteel.nodeConfig" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- $node := deepCopy $collectors.node -}}
{{- if not .Values.node.mountHostRoot -}}
  {{- $_ := set $node "filesystem" (mergeOverwrite (deepCopy ($node.filesystem | default dict)) (dict "enabled" false)) -}}
{{- end -}}
{{- $container := deepCopy $collectors.container -}}
{{- $identity := mergeOverwrite (include "firesteel.identityConfig" . | fromYaml) ($container.identity | default dict) -}}
{{- $_ := set $container "identity" $identity -}}
{{- include "firesteel.commonConfig" (dict "root" . "role" "node") }}
http:
  {{- include "firesteel.httpConfig" (dict "root" . "role" "node") | nindent 2 }}
{{- with omit .Values.logs "events" }}
logs:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.scrape }}
scrape:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.localPush }}
{{- if .enabled }}
localPush:
  enabled: true
  ttl: {{ .ttl }}
  {{- with .limits }}
  limits:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .socket.hostPath }}
  socket: /run/firesteel/push.sock
  {{- end }}
  {{- if .token.existingSecret }}
  tokenFile: /etc/firesteel-tokens/push
  {{- end }}
{{- end }}
{{- end }}
paths:
  procfs: /host/proc
  sysfs: /host/sys
  cgroup: /host/sys/fs/cgroup
  rootfs: /host/root
  udev: /host/root/run/udev/data
collectors:
  node:
    {{- toYaml $node | nindent 4 }}
  container:
    {{- toYaml $container | nindent 4 }}
  process:
    {{- toYaml $collectors.process | nindent 4 }}
  {{- range $name := list "journal" "kernel" "log" "snmp" }}
  {{- with index $collectors $name }}
  {{ $name }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  ksm:
    enabled: false
{{- end -}}

{{- define "firesteel.stateConfig" -}}
{{- $collectors := include "firesteel.collectors" . | fromYaml -}}
{{- $all := $collectors.ksm -}}
{{- $ksm := omit $all "resourcesExtra" "resourcesExclude" "customResourceState" -}}
{{- $_ := set $ksm "resources" (include "firesteel.ksmResources" . | fromYamlArray) -}}
{{- if $all.customResourceState -}}
  {{- $_ := set $ksm "customResourceStateFile" "/etc/firesteel/custom-resources.yaml" -}}
{{- end -}}
{{- $podInfo := deepCopy ($ksm.podInfo | default dict) -}}
{{- if and .Values.scrape.pods (not $podInfo.labels) -}}
  {{- $_ := set $podInfo "labels" (list "*") -}}
{{- end -}}
{{- $prefix := (.Values.scrape.annotations | default dict).prefix -}}
{{- $logs := include "firesteel.logsAnnotation" . -}}
{{- if and (or $prefix $logs) (not $podInfo.annotations) -}}
  {{- $_ := set $podInfo "annotations" (compact (list (printf "%s/*" ($prefix | default "prometheus.io")) $logs)) -}}
{{- end -}}
{{- if $podInfo -}}
  {{- $_ := set $ksm "podInfo" $podInfo -}}
{{- end -}}
{{- include "firesteel.commonConfig" (dict "root" . "role" "state") }}
http:
  {{- include "firesteel.httpConfig" (dict "root" . "role" "state") | nindent 2 }}
election:
  lease: {{ include "firesteel.fullname" . }}
  peers: [{{ printf "%s-peers:%d" (include "firesteel.fullname" .) (int .Values.http.port) | quote }}]
collectors:
  node:
    enabled: false
  container:
    enabled: false
  process:
    enabled: false
  ksm:
    {{- toYaml $ksm | nindent 4 }}
  {{- with $collectors.event }}
  event:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if (.Values.logs.events | default dict).enabled }}
logs:
  {{- toYaml (pick .Values.logs "events" "redact") | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The file config.yaml, merged with the user's extraConfig. Takes dict root, role. */ -}}
{{- define "firesteel.config" -}}
{{- $config := include (printf "firesteel.%sConfig" .role) .root | fromYaml -}}
{{- $agent := index .root.Values .role -}}
{{- range $section := list "tasks" "sources" -}}
  {{- with index $agent $section -}}
    {{- $_ := set $config $section . -}}
  {{- end -}}
{{- end -}}
{{- $own := $agent.extraConfig -}}
{{- toYaml (mergeOverwrite $config (deepCopy .root.Values.extraConfig) (deepCopy $own)) -}}
{{- end -}}

{{- /* The files of an agent's ConfigMap. */ -}}
{{- define "firesteel.configData" -}}
config.yaml: |
  {{- include "firesteel.config" . | nindent 2 }}
{{- if eq .role "state" }}
{{- with .root.Values.collectors.ksm.customResourceState }}
custom-resources.yaml: |
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
