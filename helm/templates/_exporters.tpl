{{- define "firesteel.secretsFolder" }}/etc/firesteel-secrets{{ end -}}

{{- /* The enabled exporters in the form of the agent's configuration; secrets become files. */ -}}
{{- define "firesteel.exporters" -}}
{{- $root := . -}}
{{- $exporters := dict -}}
{{- range $name, $given := .Values.exporters -}}
  {{- if ne (toString $given.enabled) "false" -}}
    {{- $folder := printf "%s/%s" (include "firesteel.secretsFolder" $root) $name -}}
    {{- $exporter := omit $given "auth" "tls" "enabled" "headersFrom" -}}
    {{- $_ := set $exporter "type" ($given.type | default "vmagent") -}}
    {{- $_ := set $exporter "url" (tpl $given.url $root) -}}
    {{- with $given.auth -}}
      {{- $auth := dict "bearerTokenFile" (printf "%s/token" $folder) -}}
      {{- if or .username .usernameKey -}}
        {{- $auth = dict "passwordFile" (printf "%s/password" $folder) -}}
        {{- if .usernameKey }}{{ $_ := set $auth "usernameFile" (printf "%s/username" $folder) -}}
        {{- else }}{{ $_ := set $auth "username" .username }}{{ end -}}
      {{- end -}}
      {{- $_ := set $exporter "auth" $auth -}}
    {{- end -}}
    {{- if $given.headersFrom -}}
      {{- $files := deepCopy ($given.headerFiles | default dict) -}}
      {{- range $header, $_ := $given.headersFrom -}}
        {{- $_ := set $files $header (printf "%s/header-%s" $folder (lower $header)) -}}
      {{- end -}}
      {{- $_ := set $exporter "headerFiles" $files -}}
    {{- end -}}
    {{- with $given.tls -}}
      {{- $tls := pick . "serverName" "insecureSkipVerify" -}}
      {{- if .caSecret }}{{ $_ := set $tls "caFile" (printf "%s/ca.crt" $folder) }}{{ end -}}
      {{- if .clientSecret -}}
        {{- $_ := set $tls "certFile" (printf "%s/tls.crt" $folder) -}}
        {{- $_ := set $tls "keyFile" (printf "%s/tls.key" $folder) -}}
      {{- end -}}
      {{- $_ := set $exporter "tls" $tls -}}
    {{- end -}}
    {{- $_ := set $exporters $name $exporter -}}
  {{- end -}}
{{- end -}}
{{- toYaml $exporters -}}
{{- end -}}

{{- /* Sources of the projected volume with the exporters' secrets: one item per file. */ -}}
{{- define "firesteel.secretSources" -}}
{{- $root := . -}}
{{- range $name, $given := .Values.exporters -}}
{{- if ne (toString $given.enabled) "false" -}}
{{- with $given.auth }}
{{- $file := ternary "password" "token" (not (empty (or .username .usernameKey))) }}
- secret:
    name: {{ .existingSecret | default (include "firesteel.credentialsName" $root) }}
    items:
      - key: {{ ternary (.key | default $file) (printf "%s.%s" $name $file) (not (empty .existingSecret)) }}
        path: {{ $name }}/{{ $file }}
      {{- if .usernameKey }}
      - key: {{ .usernameKey }}
        path: {{ $name }}/username
      {{- end }}
{{- end }}
{{- range $header, $from := $given.headersFrom }}
- secret:
    name: {{ $from.secret }}
    items:
      - key: {{ $from.key }}
        path: {{ $name }}/header-{{ lower $header }}
{{- end }}
{{- with $given.tls }}
{{- if .caSecret }}
- secret:
    name: {{ .caSecret }}
    items:
      - key: {{ .caKey | default "ca.crt" }}
        path: {{ $name }}/ca.crt
{{- end }}
{{- if .clientSecret }}
- secret:
    name: {{ .clientSecret }}
    items:
      - key: {{ .certKey | default "tls.crt" }}
        path: {{ $name }}/tls.crt
      - key: {{ .keyKey | default "tls.key" }}
        path: {{ $name }}/tls.key
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Data of the Secret with inline passwords and tokens; empty if there are none. */ -}}
{{- define "firesteel.inlineSecrets" -}}
{{- range $name, $given := .Values.exporters -}}
{{- with $given.auth -}}
{{- if .password }}
{{ $name }}.password: {{ .password | b64enc | quote }}
{{- end }}
{{- if .bearerToken }}
{{ $name }}.token: {{ .bearerToken | b64enc | quote }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Ports of the receivers, from the URLs, as a sorted YAML list. */ -}}
{{- define "firesteel.exporterPorts" -}}
{{- $ports := list -}}
{{- range include "firesteel.exporters" . | fromYaml -}}
  {{- range prepend (.failover | default list) .url -}}
    {{- $url := urlParse . -}}
    {{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
    {{- $ports = append $ports ($port | default (ternary "443" "80" (eq $url.scheme "https"))) -}}
  {{- end -}}
{{- end -}}
{{- range .Values.networkPolicy.exporterPorts }}{{ $ports = append $ports (toString .) }}{{ end -}}
{{- toYaml (uniq $ports | sortAlpha) -}}
{{- end -}}
