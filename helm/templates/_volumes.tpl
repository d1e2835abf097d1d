{{- define "firesteel.mounts" -}}
{{- $values := .root.Values -}}
- name: config
  mountPath: /etc/firesteel
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if ne $values.spool.type "none" }}
- name: spool
  mountPath: /var/lib/firesteel
{{- end }}
{{- if include "firesteel.secretSources" .root | trim }}
- name: secrets
  mountPath: {{ include "firesteel.secretsFolder" . }}
  readOnly: true
{{- end }}
{{- if $values.http.tls.existingSecret }}
- name: tls
  mountPath: /etc/firesteel-tls
  readOnly: true
{{- end }}
{{- if include "firesteel.tokenSources" . | trim }}
- name: tokens
  mountPath: /etc/firesteel-tokens
  readOnly: true
{{- end }}
{{- if eq .role "node" }}
{{- if include "firesteel.readsHost" .root }}
- name: proc
  mountPath: /host/proc
  readOnly: true
- name: sys
  mountPath: /host/sys
  readOnly: true
{{- end }}
{{- if $values.node.mountHostRoot }}
- name: root
  mountPath: /host/root
  mountPropagation: {{ $values.node.mountPropagation }}
  readOnly: true
{{- end }}
{{- if include "firesteel.pushSocket" .root }}
- name: push
  mountPath: /run/firesteel
{{- end }}
{{- if include "firesteel.readsLogs" .root }}
- name: var-log
  mountPath: /var/log
  readOnly: true
- name: run-log
  mountPath: /run/log
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{- define "firesteel.volumes" -}}
{{- $values := .root.Values -}}
- name: config
  configMap:
    name: {{ include "firesteel.fullname" .root }}-{{ .role }}
- name: tmp
  emptyDir:
    sizeLimit: 16Mi
{{- if ne $values.spool.type "none" }}
- name: spool
  {{- if and (eq .role "node") (eq $values.spool.type "hostPath") }}
  hostPath:
    path: {{ $values.spool.hostPath }}
    type: {{ ternary "Directory" "DirectoryOrCreate" $values.spool.prepared }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ include "firesteel.spoolLimit" .root }}
  {{- end }}
{{- end }}
{{- with include "firesteel.secretSources" .root | trim }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- with $values.http.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with include "firesteel.tokenSources" . | trim }}
- name: tokens
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- if eq .role "node" }}
{{- if include "firesteel.readsHost" .root }}
- name: proc
  hostPath:
    path: /proc
- name: sys
  hostPath:
    path: /sys
{{- end }}
{{- if $values.node.mountHostRoot }}
- name: root
  hostPath:
    path: /
{{- end }}
{{- if include "firesteel.pushSocket" .root }}
- name: push
  hostPath:
    path: {{ $values.localPush.socket.hostPath }}
    type: {{ ternary "Directory" "DirectoryOrCreate" $values.localPush.socket.prepared }}
{{- end }}
{{- if include "firesteel.readsLogs" .root }}
- name: var-log
  hostPath:
    path: /var/log
- name: run-log
  hostPath:
    path: /run/log
    type: DirectoryOrCreate
{{- end }}
{{- end }}
{{- end -}}

{{- /* The size limit of the spools of all exporters plus an eighth: 256MiB → 294912Ki. A pushgateway has none. */ -}}
{{- define "firesteel.spoolLimit" -}}
{{- $bytes := .Values.spool.maxBytes -}}
{{- $spools := 0 -}}
{{- range include "firesteel.exporters" . | fromYaml -}}
  {{- if ne .type "pushgateway" }}{{ $spools = add1 $spools }}{{ end -}}
{{- end -}}
{{- mul (max $spools 1) (regexFind "^[0-9]+" $bytes | int64) 1152 }}{{ ternary "Ki" "Mi" (hasSuffix "MiB" $bytes) -}}
{{- end -}}

{{- /* Tokens of permitted clients, and the one with which node agents authenticate at state agents. */ -}}
{{- define "firesteel.tokenSources" -}}
{{- $http := .root.Values.http -}}
{{- range $file, $key := dict "read" $http.tokens.readKey "control" $http.tokens.controlKey }}
{{- if $key }}
- secret:
    name: {{ $http.tokens.existingSecret }}
    items:
      - key: {{ $key }}
        path: {{ $file }}
{{- end }}
{{- end }}
{{- with .root.Values.localPush }}
{{- if and .enabled .token.existingSecret (eq $.role "node") }}
- secret:
    name: {{ .token.existingSecret }}
    items:
      - key: {{ .token.key }}
        path: push
{{- end }}
{{- end }}
{{- $type := $http.podInfoAuth.type }}
{{- $asks := and (eq .role "node") (include "firesteel.asksState" .root) }}
{{- if and (eq $type "token") (or $asks (eq .role "state")) }}
- secret:
    name: {{ $http.podInfoAuth.existingSecret }}
    items:
      - key: {{ $http.podInfoAuth.key }}
        path: pod-info
{{- else if and (eq $type "tokenReview") $asks }}
- serviceAccountToken:
    audience: firesteel
    path: pod-info
{{- end }}
{{- end -}}
