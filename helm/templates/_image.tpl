{{- define "firesteel.image" -}}
{{- $image := .Values.image -}}
{{- /* Other charts set the registry in one of two places. */ -}}
{{- $registry := .Values.global.imageRegistry | default (.Values.global.image | default dict).registry | default $image.registry -}}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest -}}
{{- else }}{{ printf "%s:%s" $name (toString ($image.tag | default .Chart.AppVersion)) }}{{ end -}}
{{- end -}}

{{- define "firesteel.pullSecrets" -}}
{{- $names := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.image.pullSecrets | default list) -}}
  {{- $names = append $names (ternary (get (ternary . dict (kindIs "map" .)) "name") . (kindIs "map" .)) -}}
{{- end -}}
{{- with uniq $names }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
