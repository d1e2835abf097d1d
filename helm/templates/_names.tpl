{{- define "firesteel.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Room is left for "-node", "-state" and the like within 63 characters. */ -}}
{{- define "firesteel.fullname" -}}
{{- $name := include "firesteel.name" . -}}
{{- $both := printf "%s-%s" .Release.Name $name -}}
{{- if contains $name .Release.Name }}{{ $both = .Release.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $both | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "firesteel.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- /* Names that are not bound to a namespace carry it. */ -}}
{{- define "firesteel.clusterName" -}}
{{- printf "%s-%s" (include "firesteel.namespace" .) (include "firesteel.fullname" .) -}}
{{- end -}}

{{- /* Of dict root, role. */ -}}
{{- define "firesteel.serviceAccount" -}}
{{- $account := index .root.Values.serviceAccounts .role -}}
{{- $made := printf "%s-%s" (include "firesteel.fullname" .root) .role -}}
{{- $account.name | default (ternary $made "default" $account.create) -}}
{{- end -}}

{{- define "firesteel.credentialsName" -}}
{{- include "firesteel.fullname" . }}-credentials
{{- end -}}
