{{- /* What the restricted tier does not see, one line each; docs/install.md has the same with reasons. */ -}}
{{- define "firesteel.losses" -}}
- of processes of others: bytes read and written, proportional memory, listening ports
- open sockets of containers (collectors.container.sockets)
- file systems that are mounted below folders closed to others
- serial numbers in node_dmi_info; slabinfo and RAPL energy, if you turn them on
{{- end -}}
