{{- /* Rules that a schema cannot express. Each failure names the value, the reason, and correct YAML. */ -}}
{{- define "firesteel.validate" -}}
{{- include "firesteel.validateWorkloads" . -}}
{{- include "firesteel.validateExporters" . -}}
{{- include "firesteel.validateSpool" . -}}
{{- include "firesteel.validateScope" . -}}
{{- include "firesteel.validateNames" . -}}
{{- include "firesteel.validatePrivileges" . -}}
{{- include "firesteel.validateAlerts" . -}}
{{- include "firesteel.validateLocalPush" . -}}
{{- end -}}

{{- /* Takes dict problem, fix: a text and a map that is printed as YAML. */ -}}
{{- define "firesteel.refuse" -}}
{{- fail (printf "\n\n%s\nWrite:\n\n%s\n" .problem (toYaml .fix | indent 2)) -}}
{{- end -}}

{{- define "firesteel.validateWorkloads" -}}
{{- if not (or (include "firesteel.hasNode" .) (include "firesteel.hasState" .)) -}}
  {{- $fix := dict "collectors" (dict "node" (dict "enabled" true)) -}}
  {{- include "firesteel.refuse" (dict "problem" "collectors: all are disabled, so there is nothing to run." "fix" $fix) -}}
{{- end -}}
{{- if and ((include "firesteel.collectors" . | fromYaml).event | default dict).enabled (not (include "firesteel.hasState" .)) -}}
  {{- $fix := dict "collectors" (dict "event" (dict "enabled" false)) -}}
  {{- include "firesteel.refuse" (dict "problem" "collectors.event: events are counted by state agents, which collectors.ksm enables." "fix" $fix) -}}
{{- end -}}
{{- if and (include "firesteel.hasState" .) (not (include "firesteel.ksmResources" . | fromYamlArray)) -}}
  {{- $fix := dict "collectors" (dict "ksm" (dict "enabled" false)) -}}
  {{- include "firesteel.refuse" (dict "problem" "collectors.ksm: no resources remain." "fix" $fix) -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateExporters" -}}
{{- range $name, $given := .Values.exporters -}}
  {{- $at := printf "exporters.%s" $name -}}
  {{- $auth := $given.auth | default dict -}}
  {{- $base := dict "url" ($given.url | default "http://victoria-metrics:8428") -}}
  {{- $problem := "" -}}
  {{- $fix := $base -}}
  {{- $secret := dict "existingSecret" "my-secret" -}}
  {{- if not $given.url -}}
    {{- $problem = printf "%s.url is missing: the base URL of the receiver." $at -}}
  {{- else if and $auth.existingSecret (or $auth.password $auth.bearerToken) -}}
    {{- $problem = printf "%s.auth has both existingSecret and an inline secret; set only one of them." $at -}}
    {{- $fix = merge (dict "auth" (omit $auth "password" "bearerToken")) $base -}}
  {{- else if and $auth.usernameKey (not $auth.existingSecret) -}}
    {{- $problem = printf "%s.auth.usernameKey is a key of existingSecret, which is missing." $at -}}
    {{- $fix = merge (dict "auth" (merge (pick $auth "usernameKey") $secret)) $base -}}
  {{- else if and $auth.username $auth.bearerToken -}}
    {{- $problem = printf "%s.auth has both username and bearerToken; username requires a password." $at -}}
    {{- $fix = merge (dict "auth" (merge (pick $auth "username") $secret)) $base -}}
  {{- else if and $auth.password (not $auth.username) -}}
    {{- $problem = printf "%s.auth has a password, but no username." $at -}}
    {{- $fix = merge (dict "auth" (merge (dict "username" "firesteel") $secret)) $base -}}
  {{- else if and $auth (not (or $auth.existingSecret $auth.password $auth.bearerToken)) -}}
    {{- $problem = printf "%s.auth names no secret." $at -}}
    {{- $fix = merge (dict "auth" (merge (pick $auth "username") $secret)) $base -}}
  {{- end -}}
  {{- if $problem -}}
    {{- include "firesteel.refuse" (dict "problem" $problem "fix" (dict "exporters" (dict $name $fix))) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateSpool" -}}
{{- $spool := .Values.spool -}}
{{- if and (eq $spool.type "hostPath") (eq .Values.tier "restricted") (not $spool.prepared) (include "firesteel.hasNode" .) -}}
  {{- $problem := printf "spool.type hostPath: the kubelet creates %s for root only, and the restricted tier runs as uid 65534. Set tier: extended, or prepare the folder (chown 65534) and set prepared." $spool.hostPath -}}
  {{- $fix := dict "spool" (dict "type" "hostPath" "hostPath" $spool.hostPath "prepared" true) -}}
  {{- include "firesteel.refuse" (dict "problem" $problem "fix" $fix) -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateLocalPush" -}}
{{- $push := .Values.localPush -}}
{{- if $push.enabled -}}
{{- if not (or $push.socket.hostPath $push.token.existingSecret) -}}
  {{- $fix := dict "localPush" (dict "enabled" true "token" (dict "existingSecret" "my-secret")) -}}
  {{- include "firesteel.refuse" (dict "problem" "localPush: no one can push without a socket for programs on the host or a token for pods." "fix" $fix) -}}
{{- end -}}
{{- if and $push.socket.hostPath (eq .Values.tier "restricted") (not $push.socket.prepared) -}}
  {{- $problem := printf "localPush.socket: the kubelet creates %s for root only, and the restricted tier runs as uid 65534. Set tier: extended, or prepare the folder (chown 65534) and set prepared." $push.socket.hostPath -}}
  {{- $fix := dict "localPush" (dict "enabled" true "socket" (dict "hostPath" $push.socket.hostPath "prepared" true)) -}}
  {{- include "firesteel.refuse" (dict "problem" $problem "fix" $fix) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateScope" -}}
{{- $ksm := (include "firesteel.collectors" . | fromYaml).ksm -}}
{{- if and .Values.rbac.namespaced (include "firesteel.hasState" .) -}}
  {{- if not $ksm.namespaces -}}
    {{- $fix := dict "rbac" (dict "namespaced" true) "collectors" (dict "ksm" (dict "namespaces" (list (include "firesteel.namespace" .)))) -}}
    {{- include "firesteel.refuse" (dict "problem" "rbac.namespaced needs the namespaces to follow." "fix" $fix) -}}
  {{- end -}}
  {{- $table := include "firesteel.ksmTable" . | fromYaml -}}
  {{- $wide := list -}}
  {{- range include "firesteel.ksmResources" . | fromYamlArray -}}
    {{- if not (index $table .).namespaced }}{{ $wide = append $wide . }}{{ end -}}
  {{- end -}}
  {{- if $wide -}}
    {{- $problem := printf "rbac.namespaced: %s are cluster-scoped, so no Role can allow them." (join ", " $wide) -}}
    {{- $all := concat ($ksm.resourcesExclude | default list) $wide -}}
    {{- include "firesteel.refuse" (dict "problem" $problem "fix" (dict "collectors" (dict "ksm" (dict "resourcesExclude" $all)))) -}}
  {{- end -}}
  {{- if eq .Values.http.podInfoAuth.type "tokenReview" -}}
    {{- $fix := dict "http" (dict "podInfoAuth" (dict "type" "token" "existingSecret" "my-secret")) -}}
    {{- include "firesteel.refuse" (dict "problem" "rbac.namespaced: no Role can allow token reviews, which http.podInfoAuth.type tokenReview needs." "fix" $fix) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateNames" -}}
{{- $identity := (include "firesteel.collectors" . | fromYaml).container.identity | default dict -}}
{{- $auth := .Values.http.podInfoAuth -}}
{{- if and (eq (include "firesteel.identitySource" .) "state") (include "firesteel.hasNode" .) (not $identity.url) -}}
  {{- if not (include "firesteel.hasState" .) -}}
    {{- $fix := dict "collectors" (dict "container" (dict "identity" (dict "source" "apiserver"))) -}}
    {{- include "firesteel.refuse" (dict "problem" "collectors.container.identity.source state: collectors.ksm is disabled, so there are no state agents, and identity.url names no others." "fix" $fix) -}}
  {{- else if not (has "pods" (include "firesteel.ksmResources" . | fromYamlArray)) -}}
    {{- $ksm := (include "firesteel.collectors" . | fromYaml).ksm -}}
    {{- $lists := dict "resourcesExtra" (append ($ksm.resourcesExtra | default list) "pods" | uniq) -}}
    {{- with $ksm.resourcesExclude }}{{ $_ := set $lists "resourcesExclude" (without . "pods") }}{{ end -}}
    {{- $fix := dict "collectors" (dict "ksm" $lists) -}}
    {{- include "firesteel.refuse" (dict "problem" "collectors.ksm: node agents get the names of pods from the state agents, but pods are not among the resources." "fix" $fix) -}}
  {{- end -}}
{{- end -}}
{{- $tokens := .Values.http.tokens -}}
{{- if and (or $tokens.readKey $tokens.controlKey) (not $tokens.existingSecret) -}}
  {{- $fix := dict "http" (dict "tokens" (merge (dict "existingSecret" "my-secret") (pick $tokens "readKey" "controlKey"))) -}}
  {{- include "firesteel.refuse" (dict "problem" "http.tokens names keys, but not the Secret that contains them." "fix" $fix) -}}
{{- end -}}
{{- if and (eq $auth.type "token") (not $auth.existingSecret) -}}
  {{- $fix := dict "http" (dict "podInfoAuth" (dict "type" "token" "existingSecret" "my-secret")) -}}
  {{- include "firesteel.refuse" (dict "problem" "http.podInfoAuth.type token needs the Secret that contains it." "fix" $fix) -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validatePrivileges" -}}
{{- range $role := list "node" "state" -}}
  {{- $given := (index $.Values $role).securityContext -}}
  {{- $added := ($given.capabilities | default dict).add | default list -}}
  {{- if or $given.privileged (has "SYS_ADMIN" $added) (has "ALL" $added) -}}
    {{- $problem := printf "%s.securityContext: no collector needs privileged, SYS_ADMIN or ALL; tier extended can read everything." $role -}}
    {{- include "firesteel.refuse" (dict "problem" $problem "fix" (dict "tier" "extended" $role (dict "securityContext" dict))) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "firesteel.validateAlerts" -}}
{{- $known := include "firesteel.alertNames" . | fromYamlArray -}}
{{- $unknown := list -}}
{{- $rest := list -}}
{{- range include "firesteel.listOf" .Values.alerts.exclude | fromYamlArray -}}
  {{- if has . $known }}{{ $rest = append $rest . }}{{ else }}{{ $unknown = append $unknown . }}{{ end -}}
{{- end -}}
{{- if $unknown -}}
  {{- $problem := printf "alerts.exclude: there are no alerts %s. The names are %s." (join ", " $unknown) (join ", " $known) -}}
  {{- include "firesteel.refuse" (dict "problem" $problem "fix" (dict "alerts" (dict "exclude" $rest))) -}}
{{- end -}}
{{- end -}}
