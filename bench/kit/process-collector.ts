// Runs as a separate program, with a procfs and a number of cycles: the cost of the process collector in a process that
// has done nothing else.
import { bindCollector, type CollectorSpec } from '../../src/collectors/collector.ts';
import { processCollector, processSection } from '../../src/collectors/process/index.ts';
import { Host } from '../../src/host/host.ts';
import { DEFAULT_PATHS } from '../../src/host/paths.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { costText, measureCycles } from './cycles.ts';

const [procfs = DEFAULT_PATHS.procfs, cycles = '30', slowInterval = '4s'] = process.argv.slice(2);
const { enabled: _, ...options } = processSection.parse({ slowInterval });
const spec = processCollector() as unknown as CollectorSpec;
const registry = new AgentRegistry();
const world = { host: new Host({ ...DEFAULT_PATHS, procfs }), now: Date.now };
registry.addProducer(bindCollector('process', spec, world, options));
const cost = await measureCycles(() => registry.gather(30_000), {
  warmUp: 8,
  cycles: Number(cycles),
  pauseMs: 1000,
});
console.log(costText(cost));
