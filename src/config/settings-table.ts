/** A setting that can be set outside of the file. */
export interface Setting {
  /** Its path in the configuration. */
  readonly path: readonly string[];
  /** Environment variables, first match wins. */
  readonly env: readonly string[];
  readonly flag: string;
  readonly help: string;
  /** Set together with the value, so that one value defines a complete exporter. */
  readonly implies?: Readonly<Record<string, unknown>>;
}

/**
 * All settings that have an environment variable and a flag; flags take precedence over the environment, and that over
 * the file.
 */
export const SETTINGS: readonly Setting[] = [
  { path: ['cluster'], env: ['FIRESTEEL_CLUSTER'], flag: 'cluster', help: 'name of the cluster' },
  { path: ['node'], env: ['FIRESTEEL_NODE', 'NODE_NAME'], flag: 'node', help: 'name of this node' },
  {
    path: ['log', 'level'],
    env: ['FIRESTEEL_LOG_LEVEL'],
    flag: 'log.level',
    help: 'trace, debug, info, warn, error, fatal',
  },
  {
    path: ['push', 'interval'],
    env: ['FIRESTEEL_PUSH_INTERVAL'],
    flag: 'push.interval',
    help: '1s to 1h; default 15s',
  },
  { path: ['push', 'deadline'], env: ['FIRESTEEL_PUSH_DEADLINE'], flag: 'push.deadline', help: 'time for collectors' },
  { path: ['push', 'phase'], env: ['FIRESTEEL_PUSH_PHASE'], flag: 'push.phase', help: 'auto, or a fixed offset' },
  { path: ['http', 'listen'], env: ['FIRESTEEL_HTTP_LISTEN'], flag: 'http.listen', help: 'default 127.0.0.1:9750' },
  { path: ['paths', 'procfs'], env: ['FIRESTEEL_PATH_PROCFS'], flag: 'path.procfs', help: 'default /proc' },
  { path: ['paths', 'sysfs'], env: ['FIRESTEEL_PATH_SYSFS'], flag: 'path.sysfs', help: 'default /sys' },
  { path: ['paths', 'rootfs'], env: ['FIRESTEEL_PATH_ROOTFS'], flag: 'path.rootfs', help: 'default /' },
  { path: ['paths', 'udev'], env: ['FIRESTEEL_PATH_UDEV'], flag: 'path.udev', help: 'default /run/udev/data' },
  { path: ['paths', 'cgroup'], env: ['FIRESTEEL_PATH_CGROUP'], flag: 'path.cgroup', help: 'default /sys/fs/cgroup' },
  {
    path: ['exporters', 'vmagent', 'url'],
    env: ['FIRESTEEL_VMAGENT_URL'],
    flag: 'vmagent.url',
    help: 'push to this VictoriaMetrics or vmagent',
    implies: { type: 'vmagent' },
  },
  {
    path: ['exporters', 'pushgateway', 'url'],
    env: ['FIRESTEEL_PUSHGATEWAY_URL'],
    flag: 'pushgateway.url',
    help: 'push to this Pushgateway',
    implies: { type: 'pushgateway' },
  },
];

/** The variable that names the configuration file. */
export const CONFIG_FILE_ENV = 'FIRESTEEL_CONFIG';
