import { differs, type Flags, is, none } from './answer.ts';

const runtime = differs(
  'pods and names come from these; no runtime is queried',
  'collectors.container.identity.source',
);
const pace = differs('each push has the values of its time', 'push.interval');
const storage = none('pushes go to `exporters`');
const events = none('events are not stored');
const page = none('not available');
const access = is('http.readTokenFile');

/** Flags of cAdvisor 0.49 to 0.57. */
export const CADVISOR_FLAGS: Flags = {
  allow_dynamic_housekeeping: pace,
  application_metrics_count_limit: none('metrics of applications are not read'),
  boot_id_file: differs('always `/proc/sys/kernel/random/boot_id` below', 'paths.procfs'),
  collector_cert: none('metrics of applications are not read'),
  collector_key: none('metrics of applications are not read'),
  container_hints: none('hint files are not read'),
  containerd: runtime,
  'containerd-namespace': runtime,
  containerd_env_metadata_whitelist: none('variables of containers are not read: they hold secrets'),
  crio_client_timeout: runtime,
  disable_metrics: differs('by sets of families', 'collectors.container.families', 'collectors.container.extra'),
  disable_root_cgroup_stats: none('drop `id="/"` at the receiver'),
  docker: runtime,
  'docker-tls': runtime,
  'docker-tls-ca': runtime,
  'docker-tls-cert': runtime,
  'docker-tls-key': runtime,
  docker_env_metadata_whitelist: none('variables of containers are not read: they hold secrets'),
  docker_only: differs('only pods and the configured cgroups', 'collectors.container.slices'),
  docker_root: runtime,
  enable_load_reader: none('the load of a cgroup needs a netlink request per task; see pressure'),
  enable_metrics: differs('by sets of families', 'collectors.container.families', 'collectors.container.extra'),
  env_metadata_whitelist: none('variables of containers are not read: they hold secrets'),
  event_storage_age_limit: events,
  event_storage_event_limit: events,
  global_housekeeping_interval: pace,
  housekeeping_interval: pace,
  http_auth_file: access,
  http_auth_realm: access,
  http_digest_file: access,
  http_digest_realm: access,
  initial_splay_factor: pace,
  jitter_factor: pace,
  listen_ip: is('http.listen'),
  log_cadvisor_usage: none('see the group `agent`'),
  machine_id_file: differs('always `/etc/machine-id` below', 'paths.rootfs'),
  max_housekeeping_interval: pace,
  max_procs: none('of Go'),
  perf_events_config: none('needs CAP_PERFMON; eBPF tools do it better'),
  podman: runtime,
  port: is('http.listen'),
  profiling: none('of Go'),
  prometheus_endpoint: none('always `/metrics`'),
  raw_cgroup_prefix_whitelist: is('collectors.container.slices'),
  referenced_reset_interval: none('clearing the bits of all pages slows down the observed processes'),
  resctrl_interval: none('resctrl is not supported'),
  storage_driver: storage,
  storage_duration: storage,
  store_container_labels: differs(
    'the relevant labels are those of pods; join them with `kube_pod_labels`',
    'collectors.ksm.labelsAllowlist',
  ),
  update_machine_info_interval: pace,
  url_base_prefix: page,
  version: none('`firesteel version`'),
  whitelisted_container_labels: differs(
    'the relevant labels are those of pods; join them with `kube_pod_labels`',
    'collectors.ksm.labelsAllowlist',
  ),
};
