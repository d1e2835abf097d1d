{{- /* The kinds of objects to create for the alerts, as a YAML list. Where both operators run, one of them converts the other's rules. */ -}}
{{- define "firesteel.alertKinds" -}}
{{- $kinds := list -}}
{{- $vm := toString .Values.alerts.vmRule -}}
{{- $prometheus := toString .Values.alerts.prometheusRule -}}
{{- $knowsVm := .Capabilities.APIVersions.Has "operator.victoriametrics.com/v1beta1/VMRule" -}}
{{- if or (has $vm (list "on" "true")) (and (eq $vm "auto") $knowsVm) }}{{ $kinds = append $kinds "VMRule" }}{{ end -}}
{{- $knows := and (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule") (empty $kinds) -}}
{{- if or (has $prometheus (list "on" "true")) (and (eq $prometheus "auto") $knows) }}{{ $kinds = append $kinds "PrometheusRule" }}{{ end -}}
{{- toYaml $kinds -}}
{{- end -}}

{{- /* The names of the alerts of all sections, as a YAML list in alphabetical order. */ -}}
{{- define "firesteel.alertNames" -}}
{{- $names := list -}}
{{- range $path, $_ := .Files.Glob "files/alerts/*.yaml" -}}
  {{- range ($.Files.Get $path | fromYaml).groups -}}
    {{- range .rules }}{{ $names = append $names .alert }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- toYaml (sortAlpha $names) -}}
{{- end -}}

{{- /* The rule groups of the selected sections, without the excluded alerts, with the runbook URL of the values. */ -}}
{{- define "firesteel.alertGroups" -}}
{{- $groups := list -}}
{{- $excluded := include "firesteel.listOf" .Values.alerts.exclude | fromYamlArray -}}
{{- range $section := .Values.alerts.sections -}}
  {{- range $group := ($.Files.Get (printf "files/alerts/%s.yaml" $section) | fromYaml).groups -}}
    {{- $rules := list -}}
    {{- range $rule := $group.rules -}}
      {{- if not (has $rule.alert $excluded) -}}
        {{- $_ := set $rule.annotations "runbook_url" (printf "%s#%s" $.Values.alerts.runbookUrl (lower $rule.alert)) -}}
        {{- $rules = append $rules $rule -}}
      {{- end -}}
    {{- end -}}
    {{- if $rules }}{{ $groups = append $groups (dict "name" $group.name "rules" $rules) }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
