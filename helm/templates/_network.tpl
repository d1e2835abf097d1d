{{- /* Probes come from the kubelet, whose traffic no policy blocks. Takes dict root, role. */ -}}
{{- define "firesteel.networkPolicy" -}}
{{- $root := .root -}}
{{- $policy := $root.Values.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "firesteel.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "firesteel.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- $snmp := ternary (include "firesteel.snmpPort" $root) "" (eq .role "node") }}
    {{- $rules := include "firesteel.ingressRules" . }}
    {{- if or (not $snmp) (ne $rules "[]") }}
    {{- $rules | nindent 4 }}
    {{- end }}
    {{- with $snmp }}
    - ports:
        - { port: {{ int . }}, protocol: UDP }
      {{- with $policy.snmpFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
  egress:
    - ports:
        {{- $ports := $policy.dnsPorts }}
        {{- if eq $root.Values.platform "openshift" }}{{ $ports = append $ports 5353 | uniq }}{{ end }}
        {{- range $ports }}
        - { port: {{ int . }}, protocol: UDP }
        - { port: {{ int . }}, protocol: TCP }
        {{- end }}
      {{- with $policy.dnsTo }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with include "firesteel.exporterPorts" $root | fromYamlArray }}
    - ports:
        {{- range . }}
        - { port: {{ int . }}, protocol: TCP }
        {{- end }}
      {{- with $policy.exportersTo }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- if and (eq .role "node") (include "firesteel.asksState" $root) }}
    - ports:
        - { port: {{ int $root.Values.http.port }}, protocol: TCP }
      to:
        - podSelector:
            matchLabels:
              {{- include "firesteel.selectorLabels" (dict "root" $root "role" "state") | nindent 14 }}
    {{- end }}
    {{- if eq .role "state" }}
    - ports:
        - { port: {{ int $root.Values.http.port }}, protocol: TCP }
      to:
        - podSelector:
            matchLabels:
              {{- include "firesteel.selectorLabels" . | nindent 14 }}
    {{- end }}
    {{- if and (eq .role "node") (eq (include "firesteel.usesKubelet" $root) "true") }}
    - ports:
        - { port: 10250, protocol: TCP }
      {{- with $policy.kubeletTo }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- if and (eq .role "node") (include "firesteel.scrapesPods" $root) }}
    - to:
        - namespaceSelector: {}
    {{- end }}
    {{- if or (eq .role "state") (eq (include "firesteel.identitySource" $root) "apiserver") }}
    - ports:
        {{- range $policy.apiServerPorts }}
        - { port: {{ int . }}, protocol: TCP }
        {{- end }}
      {{- with $policy.apiServerTo }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- with $policy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- /* Allowed clients of the port: readers of metrics, node agents at state agents, and state agents among each other. */ -}}
{{- define "firesteel.ingressRules" -}}
{{- $from := .root.Values.networkPolicy.metricsFrom -}}
{{- $asked := and (eq .role "state") (include "firesteel.hasNode" .root) (include "firesteel.asksState" .root) -}}
{{- if $asked -}}
  {{- $labels := include "firesteel.selectorLabels" (dict "root" .root "role" "node") | fromYaml -}}
  {{- $from = append $from (dict "podSelector" (dict "matchLabels" $labels)) -}}
{{- end -}}
{{- if eq .role "state" -}}
  {{- $from = append $from (dict "podSelector" (dict "matchLabels" (include "firesteel.selectorLabels" . | fromYaml))) -}}
{{- end -}}
{{- if and (eq .role "node") (include "firesteel.pushService" .root) -}}
  {{- $from = concat $from (.root.Values.networkPolicy.pushFrom | default (list (dict "namespaceSelector" dict))) -}}
{{- end -}}
{{- $port := dict "port" (int .root.Values.http.port) "protocol" "TCP" -}}
{{- /* Pods in the host's network have the addresses of nodes, which no selector matches. */ -}}
{{- if and $asked .root.Values.node.hostNetwork }}{{ list (dict "ports" (list $port)) | toYaml }}
{{- else if $from }}{{ list (dict "ports" (list $port) "from" $from) | toYaml }}
{{- else }}[]{{ end -}}
{{- end -}}
