import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import type { FakeApiServer } from '../../kit/fake-api-server.ts';
import { PODS } from '../../kube/follow.ts';

const DEPLOYMENTS = '/apis/apps/v1/deployments';
const FOREVER = { times: Number.POSITIVE_INFINITY };
/** The path of a custom resource. */
export const WIDGETS = '/apis/acme.io/v1/widgets';
/** The resources that the recorded cluster has. */
export const SERVED = resources
  .filter((one) => one.enabled && !/mutatingadmission/.test(one.name))
  .map(({ name }) => name);

/** Changes the API server at the beginning of an hour, or at these minutes of it. */
type Break = (server: FakeApiServer, at: (minute: number, change: () => void) => void) => void | Promise<void>;

/** A fault of the API server for an hour, and what the agent says about it. */
export interface Fault {
  readonly title: string;
  readonly break: Break;
  /** Alerts whose condition is true in the last half hour. */
  readonly alerts: readonly string[];
  /** What is logged about the resources. */
  readonly causes: readonly string[];
  /** What is logged about the election, without what is logged once an hour. */
  readonly election: readonly string[];
  /** What prevents readiness at the end. */
  readonly unready: RegExp;
  /** Of both collectors, in each minute in which all resources have been tried. */
  readonly success: 0 | 1;
  /** The rows at the end that are not `followed`: the state by resource. */
  readonly rows: Readonly<Record<string, string>>;
  /** The states of the custom resource one after the other; always `followed` if unset. */
  readonly widgets?: readonly string[];
  /** How long a response may take; short if that is the fault. */
  readonly headersMs?: number;
}

const LEADS = ['became leader'];
const FAILS = ['leader election failed; retrying'];
const allOf = (state: string) => Object.fromEntries([...SERVED, 'widgets.acme.io'].map((name) => [name, state]));

/** What can be wrong with the API server. */
export const FAULTS: readonly Fault[] = [
  { title: 'healthy', break() {}, alerts: [], causes: [], election: LEADS, unready: /^$/, success: 1, rows: {} },
  {
    title: 'down',
    break: (server) => server.stop(),
    alerts: ['FiresteelNotOneMaster', 'FiresteelKubernetesApiDown'],
    causes: ['unreachable'],
    election: FAILS,
    unready: /^ksm\.pods: .*ECONNREFUSED.*^election: .*ECONNREFUSED/ms,
    success: 0,
    rows: allOf('down'),
    widgets: ['down'],
  },
  {
    title: '401 for all',
    break(server) {
      server.tokens = new Set(['another']);
    },
    alerts: ['FiresteelNotOneMaster', 'FiresteelKubernetesApiDown'],
    causes: ['401'],
    election: FAILS,
    unready: /^ksm\.pods: .* 401 .*^election: .* 401 /ms,
    success: 0,
    rows: allOf('down'),
    widgets: ['down'],
  },
  {
    title: '403 for one',
    break: (server) => server.fail('list', { status: 403 }, { path: PODS, ...FOREVER }),
    alerts: ['FiresteelKsmResourceDown'],
    causes: ['403'],
    election: LEADS,
    unready: /^ksm\.pods: .* 403 $/,
    success: 0,
    rows: { pods: 'down' },
  },
  {
    title: '404 for one',
    break: (server) => server.fail('list', { status: 404 }, { path: DEPLOYMENTS, ...FOREVER }),
    alerts: [],
    causes: ['not served'],
    election: LEADS,
    unready: /^$/,
    success: 1,
    rows: { deployments: 'not-served' },
  },
  {
    title: 'slow for one',
    headersMs: 250,
    break: (server) => server.fail('list', 'silence', { path: DEPLOYMENTS, ...FOREVER }),
    alerts: ['FiresteelKsmResourceDown'],
    causes: ['unreachable'],
    election: LEADS,
    unready: /^ksm\.deployments: .*$/,
    success: 0,
    rows: { deployments: 'down' },
  },
  {
    title: 'dropping and adding a CRD',
    break(server, at) {
      const drop = () => {
        const [watch] = [...server.watches].filter(({ path }) => path === WIDGETS);
        server.cluster.collections.delete(WIDGETS);
        watch?.reset();
      };
      const add = () => server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
      drop();
      for (const minute of [5, 25, 45]) at(minute, add);
      for (const minute of [15, 35]) at(minute, drop);
    },
    alerts: [],
    causes: ['not served'],
    election: LEADS,
    unready: /^$/,
    success: 1,
    rows: {},
    widgets: ['not-served', 'followed', 'not-served', 'followed', 'not-served', 'followed'],
  },
];
