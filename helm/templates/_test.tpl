{{- /* The pod of `helm test`, for the alphabetically first exporter of the values. Takes dict root, name, exporter. */ -}}
{{- define "firesteel.testEnv" -}}
{{- $root := .root -}}
{{- $given := index $root.Values.exporters .name -}}
{{- $secretHeaders := keys ($given.headersFrom | default dict) | sortAlpha -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- $identity := ($root.Values.identity | default dict).agent | default dict }}
{{- $env := dict
  "QUERY_URL" ($root.Values.test.queryUrl | default .exporter.url)
  "RECEIVER" .exporter.type
  "JOB" ($identity.job | default "firesteel")
  "CLUSTER" $root.Values.cluster.name
  "NODE_AGENTS" (include "firesteel.hasNode" $root)
  "STATE_AGENTS" (ternary (printf "%s-state" (include "firesteel.fullname" $root)) "" (eq (include "firesteel.hasState" $root) "true"))
  "SECRETS" (printf "%s/%s" (include "firesteel.secretsFolder" $root) .name)
  "USERNAME" (($given.auth | default dict).username | default "")
  "HEADERS" (toJson (.exporter.headers | default dict))
  "SECRET_HEADERS" (toJson $secretHeaders)
  "TIMEOUT_SECONDS" (toString (int $root.Values.test.timeoutSeconds)) }}
{{- if ($given.tls | default dict).caSecret }}
{{- $_ := set $env "NODE_EXTRA_CA_CERTS" (printf "%s/%s/ca.crt" (include "firesteel.secretsFolder" $root) .name) }}
{{- end }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}
