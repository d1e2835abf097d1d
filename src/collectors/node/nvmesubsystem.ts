// /sys/class/nvme-subsystem: drivers/nvme/host/{core,sysfs,multipath}.c of the kernel. Absent without NVMe.
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const INFO_FILES = { nqn: 'subsysnqn', model: 'model', serial: 'serial', iopolicy: 'iopolicy' };
const info = gauge('node_nvmesubsystem_info', 'Always 1; subsystem information.', [
  'subsystem',
  ...Object.keys(INFO_FILES),
]);
const namespaceInfo = gauge('node_nvmesubsystem_namespace_info', 'Always 1; a block device of the subsystem.', [
  'subsystem',
  'device',
]);
const paths = gauge('node_nvmesubsystem_paths', 'Paths (controllers) to the subsystem.', ['subsystem']);
const pathsLive = gauge('node_nvmesubsystem_paths_live', 'Paths (controllers) in the live state.', ['subsystem']);
const pathState = gauge('node_nvmesubsystem_path_state', 'Whether the controller is in this state.', [
  'subsystem',
  'controller',
  'transport',
  'state',
]);

const STATES = ['connecting', 'dead', 'deleting', 'live', 'new', 'resetting', 'unknown'];

/** NVMe subsystems and their paths. */
export const nvmesubsystem = defineCollector({
  name: 'nvmesubsystem',
  enabled: false,
  summary: 'NVMe subsystems and the state of each path to them, from `/sys/class/nvme-subsystem`.',
  options: NO_OPTIONS,
  whenEmpty: 'no NVMe subsystems found',
  families: [info, namespaceInfo, paths, pathsLive, pathState],
  create({ host }) {
    const folder = host.sys('class/nvme-subsystem');
    return (out) => {
      for (const name of host.list(folder)) {
        if (name.startsWith('nvme-subsys')) {
          out.attempt(name, () => addSubsystem(out, host, name, `${folder}/${name}`));
        }
      }
    };
  },
});

function addSubsystem(out: Snapshot, host: Host, subsystem: string, folder: string): void {
  out.attempt(subsystem, () => {
    // A kernel without multipath has no iopolicy.
    const labels = Object.values(INFO_FILES).map((file) => host.attribute(`${folder}/${file}`) ?? '');
    out.add(info, 1, subsystem, ...labels);
  });
  const names = host.list(folder);
  for (const name of names) if (/^nvme\d+n\d+$/.test(name)) out.add(namespaceInfo, 1, subsystem, name);
  const controllers = names.filter((name) => /^nvme\d+$/.test(name));
  const states = controllers.map((name) => {
    try {
      return addPath(out, host, subsystem, name, `${folder}/${name}`);
    } catch (cause) {
      out.lose(`${subsystem}: ${name}`, cause);
      return undefined;
    }
  });
  out.add(paths, controllers.length, subsystem);
  // The number of live paths would be too low without one whose state could not be read.
  if (!states.includes(undefined)) out.add(pathsLive, states.filter((state) => state === 'live').length, subsystem);
}

/** Adds one controller; returns its state. Throws MissingFile, DeniedFile or UnreadableFile. */
function addPath(out: Snapshot, host: Host, subsystem: string, controller: string, folder: string): string {
  const state = stateOf(host.read(`${folder}/state`).trim());
  const transport = host.attribute(`${folder}/transport`) ?? '';
  for (const one of STATES) out.add(pathState, one === state ? 1 : 0, subsystem, controller, transport, one);
  return state;
}

/** `deleting (no IO)` is a kind of deleting. */
function stateOf(text: string): string {
  const state = text.replace(/ \(no IO\)$/, '');
  return STATES.includes(state) ? state : 'unknown';
}
