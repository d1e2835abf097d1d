{{- /* What the restricted tier cannot read, one line each; docs/install.md has the reasons. */ -}}
{{- define "firesteel.losses" -}}
- of processes of other users: bytes read and written, proportional memory, listening ports
- open sockets of containers (collectors.container.sockets)
- file systems mounted below folders without access for other users
- serial numbers in node_dmi_info; slabinfo and RAPL energy, if enabled
{{- end -}}
