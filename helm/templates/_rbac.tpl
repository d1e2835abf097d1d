{{- /* A role and its binding. Takes dict root, role, rules and, for one namespace, namespace; suffix is part of their names. */ -}}
{{- define "firesteel.grant" -}}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") -}}
{{- $meta := merge (dict "cluster" (not (hasKey . "namespace"))) . -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- include "firesteel.metadata" $meta | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include "firesteel.metadata" $meta | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ (include "firesteel.metadata" $meta | fromYaml).name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "firesteel.serviceAccount" . }}
    namespace: {{ include "firesteel.namespace" .root }}
{{- end -}}

{{- /* The Leases of all shards, and of shards that have just been removed and still push. Names cannot limit create, since the name of a new object is not part of the request's path. */ -}}
{{- define "firesteel.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames:
    - {{ include "firesteel.fullname" . }}
    {{- $shards := ternary (int .Values.state.replicas) (int .Values.state.shards) .Values.state.autosharding }}
    {{- if gt (ternary 64 $shards .Values.state.autosharding) 1 }}
    {{- range $shard := untilStep 1 (max (ternary 64 8 .Values.state.autosharding) $shards | int) 1 }}
    - {{ include "firesteel.fullname" $ }}-{{ $shard }}
    {{- end }}
    {{- end }}
  verbs: [get, update]
{{- if .Values.state.autosharding }}
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
- apiGroups: [apps]
  resources: [statefulsets]
  resourceNames: [{{ include "firesteel.fullname" . }}-state]
  verbs: [get]
{{- end }}
{{- end -}}

{{- /* Token reviews: the API server authenticates node agents. */ -}}
{{- define "firesteel.tokenRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end -}}
