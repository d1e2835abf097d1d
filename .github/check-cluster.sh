#!/usr/bin/env bash
# Asks the VictoriaMetrics of the kind cluster whether all nodes and the cluster's state arrive, kills the leader, and asks
# again.
set -euo pipefail

kubectl port-forward service/vm 8428 >/dev/null &
trap 'kill $!' EXIT

# until_result QUERY COUNT SECONDS: waits until the query has so many series.
until_result() {
  local deadline=$((SECONDS + $3)) found=0
  while ((SECONDS < deadline)); do
    found=$(curl -sf --data-urlencode "query=$1" http://127.0.0.1:8428/api/v1/query | jq '.data.result | length' || echo 0)
    if ((found == $2)); then return 0; fi
    sleep 2
  done
  echo "after $3 s, not $2 but $found series: $1" >&2
  return 1
}

nodes=$(kubectl get nodes --no-headers | wc -l)
until_result 'last_over_time(node_load1{cluster="kind"}[1m])' "$nodes" 120
until_result 'count(last_over_time(container_cpu_usage_seconds_total{cluster="kind",pod!="",container!=""}[1m])) by (node)' "$nodes" 120
until_result 'count(last_over_time(kube_node_info{cluster="kind"}[1m])) by (cluster)' 1 120
until_result 'last_over_time(firesteel_collector_success{cluster="kind"}[1m]) == 0' 0 60

leader=$(kubectl get lease firesteel -o jsonpath='{.spec.holderIdentity}' | grep -o 'firesteel-state-[a-z0-9-]*')
kubectl delete pod "$leader" --grace-period=0 --force
since=$(date +%s)
until_result "timestamp(last_over_time(kube_node_info{cluster=\"kind\"}[1m])) > $since + 1" "$nodes" 60
