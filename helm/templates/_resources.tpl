{{- /* All resources of the ksm collector, from its own table: name → group, namespaced, enabled. */ -}}
{{- define "firesteel.ksmTable" -}}
{{- .Files.Get "files/ksm-resources.yaml" -}}
{{- end -}}

{{- /* Names of the followed resources, as a YAML list in alphabetical order. */ -}}
{{- define "firesteel.ksmResources" -}}
{{- $ksm := (include "firesteel.collectors" . | fromYaml).ksm -}}
{{- $names := list -}}
{{- if kindIs "slice" $ksm.resources -}}
  {{- $names = $ksm.resources -}}
{{- else -}}
  {{- range $name, $resource := include "firesteel.ksmTable" . | fromYaml -}}
    {{- if $resource.enabled }}{{ $names = append $names $name }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- $names = concat $names ($ksm.resourcesExtra | default list) | uniq -}}
{{- range $ksm.resourcesExclude }}{{ $names = without $names . }}{{ end -}}
{{- toYaml (sortAlpha $names) -}}
{{- end -}}

{{- /* The plural name of an entry of `customResourceState`, as the agent derives it. */ -}}
{{- define "firesteel.customPlural" -}}
{{- $kind := lower .groupVersionKind.kind -}}
{{- if .resourcePlural -}}
  {{- .resourcePlural -}}
{{- else if regexMatch "(s|x|z|ch|sh)$" $kind -}}
  {{- $kind }}es
{{- else if regexMatch "[^aeiou]y$" $kind -}}
  {{- trimSuffix "y" $kind }}ies
{{- else -}}
  {{- $kind }}s
{{- end -}}
{{- end -}}

{{- /* Rules to list and watch objects, one per API group. Takes dict root, objects: whether these resources and the custom ones, and events. */ -}}
{{- define "firesteel.stateRules" -}}
{{- $groups := dict -}}
{{- if .objects -}}
{{- $table := include "firesteel.ksmTable" .root | fromYaml -}}
{{- range include "firesteel.ksmResources" .root | fromYamlArray -}}
  {{- $group := (index $table .).group -}}
  {{- $_ := set $groups $group (append (index $groups $group | default list) .) -}}
{{- end -}}
{{- $custom := .root.Values.collectors.ksm.customResourceState | default dict -}}
{{- range ($custom.spec | default dict).resources -}}
  {{- $group := .groupVersionKind.group -}}
  {{- $_ := set $groups $group (append (index $groups $group | default list) (include "firesteel.customPlural" .)) -}}
{{- end -}}
{{- end -}}
{{- if .events -}}
  {{- $_ := set $groups "" (append (index $groups "" | default list) "events") -}}
{{- end -}}
{{- range $group := keys $groups | sortAlpha }}
- apiGroups: [{{ $group | quote }}]
  resources:
    {{- toYaml (index $groups $group | uniq) | nindent 4 }}
  verbs: [list, watch]
{{- end }}
{{- if .objects }}
{{- with .root.Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}
