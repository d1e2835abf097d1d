import { bindCollector, type CollectorSpec } from '../../collectors/collector.ts';
import { nodeCollectors } from '../../collectors/node/index.ts';
import type { TaskType } from '../task-type.ts';

/** A node collector as a type of task: another instance of it, with its own options and interval. */
export function nodeTaskType(name: string): TaskType | undefined {
  const spec = nodeCollectors.find((each) => each.name === name);
  return spec && asTaskType(spec);
}

const asTaskType = (spec: CollectorSpec): TaskType => ({
  name: `node.${spec.name}`,
  summary: spec.summary,
  group: 'node',
  options: spec.options,
  families: spec.families,
  create({ host, now, node }, options) {
    const producer = bindCollector('node', spec, { host, now, nodeName: node }, options);
    return async (out, signal) => producer.collect(out, signal);
  },
});
