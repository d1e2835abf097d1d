{{- /* Takes dict root, role. Never add labels: selectors of workloads are immutable. */ -}}
{{- define "firesteel.selectorLabels" -}}
app.kubernetes.io/name: {{ include "firesteel.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- /* The shard of a state agent's pod. Takes dict shard; the first has no label, because its selector is older than shards. */ -}}
{{- define "firesteel.shardLabel" -}}
{{- if .shard }}firesteel/shard: {{ .shard | quote }}{{ end -}}
{{- end -}}

{{- /* Labels of every object; labels of the user never replace ours. */ -}}
{{- define "firesteel.labels" -}}
{{- $root := .root -}}
{{- $version := $root.Values.image.tag | default $root.Chart.AppVersion | toString -}}
{{- $labels := include "firesteel.selectorLabels" . | fromYaml -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $_ := set $labels "helm.sh/chart" $chart -}}
{{- $_ := set $labels "app.kubernetes.io/version" (regexReplaceAll "[^A-Za-z0-9_.-]" $version "_" | trunc 63) -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "firesteel" -}}
{{- toYaml (merge $labels $root.Values.commonLabels) -}}
{{- end -}}

{{- /* metadata. Takes dict root, role and, if they differ from the defaults, name, suffix, annotations, cluster: true. */ -}}
{{- define "firesteel.metadata" -}}
{{- $usual := printf "%s-%s" (include "firesteel.fullname" .root) (.suffix | default .role) -}}
{{- if .cluster }}{{ $usual = printf "%s-%s" (include "firesteel.clusterName" .root) (.suffix | default .role) }}{{ end -}}
name: {{ .name | default $usual }}
{{- if not .cluster }}
namespace: {{ .namespace | default (include "firesteel.namespace" .root) }}
{{- end }}
labels:
  {{- include "firesteel.labels" . | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
