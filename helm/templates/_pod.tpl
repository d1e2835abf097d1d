{{- /* The pod; both kinds of agents have the same values. Takes dict root, role. */ -}}
{{- define "firesteel.pod" -}}
{{- $root := .root -}}
{{- $pod := index $root.Values .role -}}
metadata:
  annotations:
    checksum/config: {{ include "firesteel.configData" . | sha256sum }}
    {{- with $pod.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- $labels := merge (include "firesteel.selectorLabels" . | fromYaml) (include "firesteel.shardLabel" . | fromYaml) $pod.podLabels $root.Values.commonLabels }}
    {{- toYaml $labels | nindent 4 }}
spec:
  {{- with include "firesteel.pullSecrets" $root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  serviceAccountName: {{ include "firesteel.serviceAccount" . }}
  automountServiceAccountToken: {{ include "firesteel.usesApi" . }}
  enableServiceLinks: false
  {{- if and (eq .role "node") $pod.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- if and (eq .role "node") $pod.hostPID }}
  hostPID: true
  {{- end }}
  {{- with $pod.dnsPolicy | default (ternary "ClusterFirstWithHostNet" "" (eq (toString $pod.hostNetwork) "true")) }}
  dnsPolicy: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml (mergeOverwrite (include "firesteel.podSecurity" . | fromYaml) $pod.podSecurityContext) | nindent 4 }}
  {{- /* A removed shard is pushed until the others have listed its objects. */}}
  {{- $isSharded := and (eq .role "state") (gt (int .root.Values.state.shards) 1) }}
  terminationGracePeriodSeconds: {{ ternary (max 300 (int $pod.terminationGracePeriodSeconds)) (int $pod.terminationGracePeriodSeconds) $isSharded }}
  {{- with $pod.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "firesteel.container" . | nindent 6 | trim }}
    {{- with $pod.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "firesteel.volumes" . | nindent 4 }}
    {{- with $pod.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  affinity:
    {{- toYaml ($pod.affinity | default (include (printf "firesteel.%sAffinity" .role) $root | fromYaml)) | nindent 4 }}
  {{- $spread := "" }}
  {{- if eq .role "state" }}{{ $spread = include "firesteel.stateSpread" $root | fromYamlArray }}{{ end }}
  {{- with $pod.topologySpreadConstraints | default $spread }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- range $key := list "tolerations" "nodeSelector" "priorityClassName" "runtimeClassName" "schedulerName" "hostAliases" "dnsConfig" }}
  {{- with index $pod $key }}
  {{- toYaml (dict $key .) | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "firesteel.nodeAffinity" -}}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
      - matchExpressions:
          - { key: kubernetes.io/os, operator: NotIn, values: [windows] }
          - { key: eks.amazonaws.com/compute-type, operator: NotIn, values: [fargate] }
          - { key: type, operator: NotIn, values: [virtual-kubelet] }
{{- end -}}

{{- define "firesteel.stateAffinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "firesteel.selectorLabels" (dict "root" . "role" "state") | nindent 12 }}
{{- end -}}

{{- define "firesteel.stateSpread" -}}
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "firesteel.selectorLabels" (dict "root" . "role" "state") | nindent 6 }}
{{- end -}}

{{- /* The common part of both workloads' spec. Takes dict root, role. */ -}}
{{- define "firesteel.workload" -}}
{{- $pod := index .root.Values .role -}}
revisionHistoryLimit: {{ int $pod.revisionHistoryLimit }}
{{- with $pod.minReadySeconds }}
minReadySeconds: {{ int . }}
{{- end }}
{{- end -}}

{{- /* The update strategy; other types have no rollingUpdate, which the values have by default. */ -}}
{{- define "firesteel.updateStrategy" -}}
{{- toYaml (ternary . (omit . "rollingUpdate") (eq .type "RollingUpdate")) -}}
{{- end -}}
