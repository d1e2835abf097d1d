// Writes the generated files: the JSON schema of the configuration, references, tables. `--check` writes nothing and exits
// with 1 if a committed file differs from the generated one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type * as z from 'zod';
import type { CollectorSpec } from '../src/collectors/collector.ts';
import { containerFamilies } from '../src/collectors/container/families.ts';
import { containerSection } from '../src/collectors/container/index.ts';
import { machineFamilies } from '../src/collectors/container/machine.ts';
import { resources } from '../src/collectors/ksm/resources/index.ts';
import { ksmSection } from '../src/collectors/ksm/section.ts';
import { kubeStateOwnFamilies } from '../src/collectors/ksm/self-samples.ts';
import { LOG_COLLECTORS } from '../src/collectors/log/section.ts';
import { nodeCollectors } from '../src/collectors/node/index.ts';
import { nodeReportFamilies } from '../src/collectors/node/report.ts';
import { processCollector } from '../src/collectors/process/index.ts';
import { processName } from '../src/collectors/process/matcher.ts';
import { settingsSchema } from '../src/commands/settings.ts';
import { prometheusRule, rulesFile, SECTIONS, sectionFile } from './alerts/rules.ts';
import { configurationReference } from './configuration-reference.ts';
import { containerReference } from './container-reference.ts';
import { grafanaJson } from './dashboards/grafana.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { differencesPage } from './differences/page.ts';
import { ksmResourcesFile } from './helm/ksm-resources.ts';
import { withAllResources } from './helm/presets.ts';
import { helmSchema } from './helm/values-schema.ts';
import { withValuesTable } from './helm/values-table.ts';
import { inputSchema } from './input-schema.ts';
import { kubeStateReference } from './kube-state-reference.ts';
import { logReference } from './log-reference.ts';
import { nodeReference } from './metric-reference.ts';
import { withNames } from './names.ts';
import { restrictedLosses, withPrivilegesTable, withRestrictedTable } from './privileges-table.ts';
import { processReference } from './process-reference.ts';
import { withCounts } from './readme-counts.ts';
import { taskReference } from './task-reference.ts';

const files: Readonly<Record<string, () => string | Promise<string>>> = {
  'README.md': () => withCounts(readFileSync('README.md', 'utf8')),
  'docs/alerts/prometheusrule.yaml': prometheusRule,
  'docs/alerts/rules.yaml': rulesFile,
  'docs/config.schema.json': () => `${JSON.stringify(inputSchema(settingsSchema), null, 2)}\n`,
  'docs/configuration.md': () => configurationReference(inputSchema(settingsSchema)),
  'docs/install.md': () => withRestrictedTable(readFileSync('docs/install.md', 'utf8')),
  'docs/metrics/container.md': () =>
    containerReference({
      options: containerSection.unwrap() as z.ZodObject,
      cgroups: containerFamilies,
      machine: machineFamilies,
    }),
  'docs/metrics/differences.md': () => differencesPage(resources),
  'docs/metrics/kube-state.md': () =>
    kubeStateReference(resources, ksmSection.unwrap() as z.ZodObject, kubeStateOwnFamilies),
  'docs/metrics/log.md': () => logReference(LOG_COLLECTORS),
  'docs/metrics/node.md': () => nodeReference(nodeCollectors, nodeReportFamilies),
  'docs/metrics/process.md': () => processReference(processCollector() as unknown as CollectorSpec, processName),
  'docs/security.md': () => withPrivilegesTable(readFileSync('docs/security.md', 'utf8')),
  'docs/tasks/options.md': () => taskReference((options) => inputSchema(options, { unrepresentable: 'any' })),
  ...Object.fromEntries(SECTIONS.map((name) => [`helm/files/alerts/${name}.yaml`, () => sectionFile(name)])),
  ...Object.fromEntries(DASHBOARDS.map((one) => [`helm/files/dashboards/${one.name}.json`, () => grafanaJson(one)])),
  'helm/files/ksm-resources.yaml': ksmResourcesFile,
  'helm/files/presets.yaml': () => withAllResources(readFileSync('helm/files/presets.yaml', 'utf8')),
  'helm/files/restricted-losses.txt': restrictedLosses,
  'helm/README.md': () =>
    withValuesTable(readFileSync('helm/README.md', 'utf8'), readFileSync('helm/values.yaml', 'utf8')),
  'helm/values.schema.json': helmSchema,
  // Last, because it reads the others.
  'test/names.txt': () => withNames(currentText('test/names.txt') ?? ''),
};

const check = process.argv.includes('--check');
for (const [path, make] of Object.entries(files)) {
  const made = await make();
  if (made === currentText(path)) continue;
  if (check) {
    console.error(`${path} does not match the code: run "npm run generate" and commit the result`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, made);
  console.log(`wrote ${path}`);
}

function currentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
