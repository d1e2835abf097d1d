import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConfig } from '../../src/commands/check-config.ts';
import { runCommand } from '../kit/command.ts';
import { EXPORTER_TYPES, requiredSettings } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import {
  configText,
  type Manifest,
  notes,
  overlay,
  podsOf,
  REPORTED,
  render,
  story,
  USER_STORIES,
  type Values,
} from './chart.ts';
import { helmTest } from './helm-test.ts';
import { typeErrors } from './kube-types.ts';
import { schemaErrors } from './values.ts';

const MINIMAL = story('minimal');

/** Kinds that are not built into Kubernetes: the fields that their definitions allow where this chart sets them. */
const CUSTOM: Readonly<Record<string, (object: Manifest) => readonly (readonly [value: object, fields: string])[]>> = {
  PodMonitor: ({ spec }) => [
    [spec, 'selector podMetricsEndpoints'],
    [spec.podMetricsEndpoints[0], 'port path scheme honorLabels tlsConfig authorization interval'],
  ],
  PrometheusRule: rulesIn,
  VMRule: rulesIn,
  SecurityContextConstraints: (object) => [
    [
      object,
      'apiVersion kind metadata allowHostDirVolumePlugin allowHostIPC allowHostNetwork allowHostPID allowHostPorts allowPrivilegeEscalation allowPrivilegedContainer allowedCapabilities requiredDropCapabilities readOnlyRootFilesystem fsGroup runAsUser seLinuxContext seccompProfiles supplementalGroups volumes groups users',
    ],
  ],
  VerticalPodAutoscaler: ({ spec }) => [[spec, 'targetRef updatePolicy resourcePolicy']],
};

function rulesIn({ spec }: Manifest): (readonly [object, string])[] {
  return [
    [spec, 'groups'],
    ...spec.groups.flatMap((group: Manifest) => [
      [group, 'name rules'],
      ...group.rules.map((rule: Manifest) => [rule, 'alert expr for labels annotations']),
    ]),
  ];
}

function errorsOf(object: Manifest): string[] {
  const custom = CUSTOM[object.kind];
  if (!custom) return typeErrors(object);
  return custom(object).flatMap(([value, fields]) =>
    Object.keys(value).filter((key) => !fields.split(' ').includes(key)),
  );
}

/** Types of exporters that are in no value file, with the settings that each needs. */
function otherTypes(): Record<string, Values> {
  const shown = new Set(Object.values(USER_STORIES).flatMap(typesOf));
  const types = EXPORTER_TYPES.filter((type) => !shown.has(type));
  return Object.fromEntries(
    types.map((type) => [
      `type ${type}`,
      { exporters: { it: requiredSettings(type, 'http://receiver.example:8080') } },
    ]),
  );
}

const typesOf = ({ exporters }: Values): string[] =>
  Object.values(Object(exporters)).map((one) => String(Object(one).type ?? 'vmagent'));

for (const [name, values] of Object.entries({ ...USER_STORIES, ...REPORTED, ...otherTypes() })) {
  helmTest(`${name}: the schema accepts the values, and every object is valid for the Kubernetes API`, () => {
    assert.deepEqual(schemaErrors(values), []);
    const objects = render(values);
    assert.ok(objects.length > 3);
    for (const object of objects) {
      assert.deepEqual(errorsOf(object), [], `${object.kind} ${object.metadata.name}`);
    }
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    assert.deepEqual(names, [...new Set(names)]);
  });

  helmTest(`${name}: agents accept their configuration`, async (context) => {
    const configs = render(values).filter(({ kind, data }) => kind === 'ConfigMap' && data?.['config.yaml']);
    assert.ok(configs.length > 0);
    for (const { data } of configs) {
      const folder = scratchFolder(context);
      for (const [key, text] of Object.entries<string>(data)) {
        // The volume of the ConfigMap is this folder.
        writeFileSync(
          join(folder, key),
          text.replaceAll('/etc/firesteel/custom-resources.yaml', join(folder, 'custom-resources.yaml')),
        );
      }
      const file = join(folder, 'config.yaml');
      const { code, stderr, stdout } = await runCommand(checkConfig, [file]);
      // Secrets are mounted in the pod only.
      const said = stderr.replaceAll(
        /^warning: \S+: cannot read (?:the secret file )?\/etc\/firesteel\S*: ENOENT\n/gm,
        '',
      );
      assert.deepEqual({ code, said, stdout }, { code: 0, said: '', stdout: `${file}: ok\n` });
    }
  });
}

helmTest('an object with an unknown field, or without a required one, is detected', () => {
  const daemonSet = render(MINIMAL).find(({ kind }) => kind === 'DaemonSet');
  assert.ok(daemonSet);
  const broken = structuredClone(daemonSet);
  delete broken.spec.selector;
  broken.spec.template.spec.containers[0].imagePullPolice = 'Always';
  broken.spec.template.spec.containers[0].args = 'run';
  assert.deepEqual(typeErrors(broken), [
    'DaemonSet.spec.selector: is required',
    'DaemonSet.spec.template.spec.containers[0].args: expected a list, found "run"',
    'DaemonSet.spec.template.spec.containers[0].imagePullPolice: unknown field',
  ]);
});

helmTest('one --set is sufficient', () => {
  const objects = render({}, '--set', 'exporters.vm.url=http://victoria-metrics:8428');
  assert.deepEqual(objects, render(MINIMAL));
});

helmTest('the same values render the same pods, so that an upgrade restarts none of them', () => {
  const pods = (objects: readonly Manifest[]) => objects.filter(({ kind }) => /^(DaemonSet|Deployment)$/.test(kind));
  assert.deepEqual(pods(render(MINIMAL, '--is-upgrade')), pods(render(MINIMAL)));
});

helmTest('a changed configuration changes the checksum of the pods that use it, and only of these', () => {
  const checksums = (values: typeof MINIMAL) =>
    render(overlay(MINIMAL, values))
      .filter(({ kind }) => /^(DaemonSet|Deployment)$/.test(kind))
      .map(({ spec }) => spec.template.metadata.annotations['checksum/config']);
  const [node, state] = checksums({});
  const [otherNode, otherState] = checksums({ collectors: { ksm: { resourcesExtra: ['secrets'] } } });
  assert.equal(otherNode, node);
  assert.notEqual(otherState, state);
});

helmTest('labels, extra configuration and a disabled collector are rendered', () => {
  const objects = render(
    overlay(MINIMAL, { extraConfig: { push: { deadline: '9s' } }, collectors: { process: { enabled: false } } }),
  );
  const config = configText(objects, 'node');
  assert.match(config, /deadline: 9s/);
  assert.match(config, /process:\n {4}enabled: false/);
});

helmTest('node agents start on hosts whose / is a private mount; later mounts are visible by option', () => {
  const exporters = { vm: { url: 'http://victoria-metrics:8428' } };
  for (const [node, propagation, hint] of [
    [{}, 'None', /do not see file systems that the host mounts after[\s\S]*mountPropagation=HostToContainer/],
    [{ mountPropagation: 'HostToContainer' }, 'HostToContainer', /private mount[\s\S]*node\.mountPropagation=None/],
  ] as const) {
    const daemonSet = podsOf(render({ exporters, node })).find(({ kind }) => kind === 'DaemonSet');
    const pod = daemonSet?.pod as { containers: [{ volumeMounts: Record<string, unknown>[] }] } | undefined;
    const root = pod?.containers[0].volumeMounts.find(({ name }) => name === 'root');
    assert.equal(root?.mountPropagation, propagation);
    assert.match(notes({ exporters, node }), hint);
  }
});
