{{- define "firesteel.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Leaves space for "-node", "-state" and the like within 63 characters. */ -}}
{{- define "firesteel.fullname" -}}
{{- $name := include "firesteel.name" . -}}
{{- $both := printf "%s-%s" .Release.Name $name -}}
{{- if contains $name .Release.Name }}{{ $both = .Release.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $both | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "firesteel.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- /* The names in a list of the values, as a YAML list. Items with commas are themselves lists, as for the agent. */ -}}
{{- define "firesteel.listOf" -}}
{{- join "," . | nospace | splitList "," | compact | uniq | toYaml -}}
{{- end -}}

{{- /* Names of cluster-scoped objects contain the namespace. */ -}}
{{- define "firesteel.clusterName" -}}
{{- printf "%s-%s" (include "firesteel.namespace" .) (include "firesteel.fullname" .) -}}
{{- end -}}

{{- /* Takes dict root, role. */ -}}
{{- define "firesteel.serviceAccount" -}}
{{- $account := index .root.Values.serviceAccounts .role -}}
{{- $made := printf "%s-%s" (include "firesteel.fullname" .root) .role -}}
{{- $account.name | default (ternary $made "default" $account.create) -}}
{{- end -}}

{{- define "firesteel.credentialsName" -}}
{{- include "firesteel.fullname" . }}-credentials
{{- end -}}
