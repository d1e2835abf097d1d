{{- /* The section `collectors`, as YAML: the values merged over those of the preset. */ -}}
{{- define "firesteel.collectors" -}}
{{- $preset := index (.Files.Get "files/presets.yaml" | fromYaml) .Values.preset -}}
{{- toYaml (mergeOverwrite $preset (deepCopy .Values.collectors)) -}}
{{- end -}}

{{- /* Permissions and cost of the preset, for the notes; docs/install.md describes them in more detail. */ -}}
{{- define "firesteel.presetNote" -}}
{{- if eq .Values.preset "minimal" -}}
the fewest series and permissions: no process metrics, only basic node collectors, only workloads, nodes, namespaces and volume claims
{{- else if eq .Values.preset "standard" -}}
the agent's defaults: all four groups, no permission to query the kubelet
{{- else -}}
what common dashboards use, at 2.1 times the series of a node and 2.5 to 3 times those of containers (measured). Node agents may get nodes/metrics, and state agents may list and watch all kinds of objects except configmaps and secrets, RBAC objects among them; all labels of objects are reported. Where kubelets sign their own certificates, set collectors.container.kubelet.insecureSkipVerify or caFile
{{- end -}}
{{- end -}}
