import type { KubeObject } from '../../src/kube/object.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { Series } from './victoria-metrics.ts';

const PODS = '/api/v1/pods';
const PHASES = ['Pending', 'Running', 'Succeeded'];

/** The label of a pod that contains its step. */
export const STEP_LABEL = 'step';

/** What a pod was from that time on. */
interface State {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Undefined after it was deleted. */
  readonly step: number | undefined;
}

/** Writes pods whose phase, restarts and label follow from one number, and knows what each of them was at any time. */
export class PodHistory {
  readonly #cluster: FakeCluster;
  readonly #template: KubeObject;
  /** By uid. */
  readonly #states = new Map<string, State[]>();

  constructor(cluster: FakeCluster, template: KubeObject) {
    this.#cluster = cluster;
    this.#template = template;
  }

  /** Creates the pod, or takes it one step further. */
  step(name: string, uid = `uid-${name}`): void {
    const step = (this.#states.get(uid)?.at(-1)?.step ?? 0) + 1;
    const { metadata, status } = this.#template as KubeObject & { status: PodStatus };
    const labels = { ...metadata?.labels, [STEP_LABEL]: `${step}` };
    const containerStatuses = status.containerStatuses.map((one) => ({ ...one, restartCount: step }));
    this.#note(uid, step);
    this.#cluster.put(PODS, {
      ...this.#template,
      metadata: { ...metadata, name, namespace: 'many', uid, labels },
      status: { ...status, phase: PHASES[step % PHASES.length], containerStatuses },
    } as KubeObject);
  }

  /** Deletes the pod. */
  remove(name: string, uid: string): void {
    this.#note(uid, undefined);
    this.#cluster.remove(PODS, `many/${name}`);
  }

  /** The samples of `series` whose value the pod did not have within `toleranceMs` of their time. */
  untrue({ metric, timestamps, values }: Series, toleranceMs: number): string[] {
    const states = this.#states.get(metric.uid ?? '');
    if (!states) return [];
    return timestamps.flatMap((atMs, index) => {
      const value = values[index];
      // The end of the series.
      if (value === null) return [];
      const possible = states.filter(
        (state, which) =>
          state.atMs <= atMs + toleranceMs &&
          (states[which + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= atMs - toleranceMs,
      );
      const isTrue = possible.some(({ step }) => step !== undefined && valueAt(metric, step) === value);
      return isTrue ? [] : [`${JSON.stringify(metric)} ${value} at ${atMs}; ${JSON.stringify(possible)}`];
    });
  }

  #note(uid: string, step: number | undefined): void {
    const states = this.#states.get(uid) ?? [];
    states.push({ atMs: Date.now(), step });
    this.#states.set(uid, states);
  }
}

interface PodStatus {
  readonly containerStatuses: readonly object[];
}

/** The value of a series of a pod at that step; undefined if it has none. */
function valueAt(metric: Series['metric'], step: number): number | undefined {
  const { __name__: name, phase } = metric;
  if (name === 'kube_pod_container_status_restarts_total') return step;
  if (name === 'kube_pod_status_phase') return phase === PHASES[step % PHASES.length] ? 1 : 0;
  if (name === 'kube_pod_labels') return metric[`label_${STEP_LABEL}`] === `${step}` ? 1 : undefined;
  return 1;
}
