{{- define "firesteel.image" -}}
{{- $image := .Values.image -}}
{{- $registry := .Values.global.imageRegistry | default $image.registry -}}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest -}}
{{- else }}{{ printf "%s:%s" $name (toString ($image.tag | default .Chart.AppVersion)) }}{{ end -}}
{{- end -}}

{{- define "firesteel.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
